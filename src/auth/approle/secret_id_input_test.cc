#include "auth/approle/secret_id_input.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::auth {
namespace {

using Metadata = std::map<std::string, std::string>;

TEST(SecretIdMetadata, IsJsonOrPairsInBase64OrNot) {
  const Metadata expected{{"a", "1"}, {"b", "x y"}};
  const std::string json = R"({"b":"x y","a":"1"})";
  const std::string pairs = "a=1, b=x y";
  for (const std::string& text : {json, pairs, base64_encode(as_bytes(json)),
                                  base64_encode(as_bytes(pairs))}) {
    const auto parsed = parse_metadata(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
  EXPECT_EQ(*parse_metadata(""), Metadata());
}

TEST(SecretIdMetadata, RefusesTheRest) {
  for (const std::string_view text :
       {"nothing", R"({"a":1})", R"(["a"])", "{", "a=1,b"}) {
    const auto parsed = parse_metadata(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(
        parsed.error().message().starts_with("failed to parse metadata: "));
    // What was sent may be a secret.
    EXPECT_EQ(parsed.error().message().find(text), std::string::npos);
  }
  EXPECT_FALSE(parse_metadata(std::string(20'000, 'a') + "=b"));
}

}  // namespace
}  // namespace bulla::auth
