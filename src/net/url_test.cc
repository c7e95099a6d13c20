#include "net/url.h"

#include <gmock/gmock.h>

namespace bulla::net {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Url, SplitsTargets) {
  const auto check = [](std::string_view target, std::string_view path,
                        std::string_view query) {
    const auto split = split_target(target);
    EXPECT_EQ(split.path, path) << target;
    EXPECT_EQ(split.query, query) << target;
  };
  check("/v1/a?b=c", "/v1/a", "b=c");
  check("/v1/a", "/v1/a", "");
  check("/v1/a?", "/v1/a", "");
  check("/a?b?c#d", "/a", "b?c");
  check("http://host:1/v1/a?b", "/v1/a", "b");
  check("http://host?b", "", "b");
  check("http://host", "", "");
  check("/a?u=http://b/c", "/a", "u=http://b/c");
  check("*", "*", "");
  check("", "", "");
}

TEST(Url, DecodesOnce) {
  EXPECT_EQ(percent_decode("a%2Fb%252f+%00").value(),
            std::string("a/b%2f+\0", 8));
  EXPECT_EQ(query_decode("a+b%2B").value(), "a b+");
}

TEST(Url, RefusesBrokenEscapes) {
  for (const std::string_view text : {"%", "a%2", "%zz", "%2", "a%%41"}) {
    const auto decoded = percent_decode(text);
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(decoded.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(percent_decode("ab%zzcd").error().message(),
            "invalid URL escape \"%zz\"");
}

TEST(Url, EncodesWhatDecodesBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(percent_decode(percent_encode(all)).value(), all);
  EXPECT_EQ(percent_encode("a b/c", "/"), "a%20b/c");
}

TEST(Url, ParsesQueries) {
  EXPECT_THAT(parse_query("a=1&b=x%26y&a=2&&c&=d&e=f=g").value(),
              ElementsAre(Pair("a", "1"), Pair("b", "x&y"), Pair("a", "2"),
                          Pair("c", ""), Pair("", "d"), Pair("e", "f=g")));
  EXPECT_TRUE(parse_query("").value().empty());
  EXPECT_FALSE(parse_query("a=%").has_value());
  EXPECT_FALSE(parse_query("%zz=1").has_value());
  EXPECT_FALSE(parse_query("a;b").has_value());
}

TEST(Url, BoundsTheNumberOfParameters) {
  EXPECT_EQ(parse_query("a&b&&c", 3).value().size(), 3U);
  const auto refused = parse_query("a&b&c&d", 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "more than 3 parameters");
  std::string many;
  for (std::size_t i = 0; i <= kQueryParametersMax; ++i) many += "a&";
  EXPECT_FALSE(parse_query(many));
}

}  // namespace
}  // namespace bulla::net
