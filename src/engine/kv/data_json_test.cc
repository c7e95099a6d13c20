#include "engine/kv/data_json.h"

#include <gtest/gtest.h>

namespace bulla::engine::kv {
namespace {

std::string stored(std::string_view text, Numbers numbers) {
  JsonParser parser;
  return stored_json(parse_stored(parser, text).value(), numbers);
}

std::string merged(std::string_view data, std::string_view patch) {
  JsonParser one;
  JsonParser two;
  return merged_json(parse_stored(one, data).value(),
                     parse_stored(two, patch).value());
}

std::string subkeys(std::string_view data, std::int64_t depth) {
  JsonParser parser;
  return subkeys_json(parse_stored(parser, data).value(), depth);
}

TEST(DataJson, MembersAreSortedAndTheLastOfANameCounts) {
  EXPECT_EQ(stored(R"({"b":1,"a":{"z":[{"y":1,"x":2}],"k":null},"b":"<"})",
                   Numbers::kAsTheyAre),
            R"({"a":{"k":null,"z":[{"x":2,"y":1}]},"b":"\u003c"})");
  EXPECT_EQ(stored("{}", Numbers::kAsDoubles), "{}");
}

TEST(DataJson, NumbersAsTheReferencePrintsThem) {
  const auto number = [](std::string_view text) {
    const std::string all =
        stored("{\"n\":" + std::string(text) + "}", Numbers::kAsDoubles);
    return all.substr(5, all.size() - 6);
  };
  EXPECT_EQ(number("9007199254740993"), "9007199254740992");
  EXPECT_EQ(number("12345678901234567890"), "12345678901234567000");
  EXPECT_EQ(number("1e20"), "100000000000000000000");
  EXPECT_EQ(number("1e21"), "1e+21");
  EXPECT_EQ(number("1e-6"), "0.000001");
  EXPECT_EQ(number("1e-7"), "1e-7");
  EXPECT_EQ(number("1.5e-10"), "1.5e-10");
  EXPECT_EQ(number("0.1"), "0.1");
  EXPECT_EQ(number("1.0"), "1");
  EXPECT_EQ(number("-0.0"), "-0");
  EXPECT_EQ(number("0"), "0");
  EXPECT_EQ(number("-12.5"), "-12.5");
  EXPECT_EQ(number("123456789.125"), "123456789.125");
  EXPECT_EQ(number("1.7976931348623157e308"), "1.7976931348623157e+308");
  EXPECT_EQ(stored(R"({"n":9007199254740993})", Numbers::kAsTheyAre),
            R"({"n":9007199254740993})");
  EXPECT_EQ(stored(R"({"n":18446744073709551615})", Numbers::kAsTheyAre),
            R"({"n":18446744073709551615})");
}

// The examples of RFC 7386, appendix A, as far as both sides are objects.
TEST(DataJson, MergePatch) {
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":null})"), "{}");
  EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"),
            R"({"a":{"b":"d"}})");
  EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merged(R"({"e":null})", R"({"a":1})"), R"({"a":1,"e":null})");
  EXPECT_EQ(merged("{}", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(DataJson, Subkeys) {
  constexpr std::string_view kData =
      R"({"a":{"b":{"c":1},"e":{}},"l":[{"x":1}],"n":null})";
  EXPECT_EQ(subkeys(kData, 0),
            R"({"a":{"b":{"c":null},"e":null},"l":null,"n":null})");
  EXPECT_EQ(subkeys(kData, 1), R"({"a":null,"l":null,"n":null})");
  EXPECT_EQ(subkeys(kData, -1), subkeys(kData, 1));
  EXPECT_EQ(subkeys(kData, 2),
            R"({"a":{"b":null,"e":null},"l":null,"n":null})");
}

TEST(DataJson, WhatIsStoredIsAnObject) {
  JsonParser parser;
  for (const char* bad : {"", "[]", "1", "{", "null"}) {
    EXPECT_EQ(parse_stored(parser, bad).error().code(), ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace bulla::engine::kv
