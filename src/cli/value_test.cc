#include "cli/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/table.h"

namespace bulla::cli {
namespace {

using testing::HasSubstr;

Value parsed(std::string_view json) {
  auto value = parse_value(json);
  EXPECT_TRUE(value.has_value()) << json;
  return value ? *std::move(value) : Value();
}

TEST(Value, KeepsNumbersAsTheyAreWritten) {
  constexpr std::string_view kJson =
      R"({"b":12345678901234567890123,"a":1.50,"c":[-0,1e300,true,null,"x"]})";
  EXPECT_EQ(to_json(parsed(kJson)), kJson);
}

TEST(Value, ReadsLoneScalars) {
  EXPECT_EQ(parsed(" \"x\" ").text, "x");
  EXPECT_EQ(parsed("12").text, "12");
  EXPECT_TRUE(parsed("null").is_null());
  EXPECT_TRUE(parsed("true").flag);
}

TEST(Value, RefusesWhatIsNoJson) {
  for (const auto* text :
       {"", "  ", "{", "[1,2", "{\"a\":}", "{} x", "{\"a\":nul}", "{\"a\":1x}",
        "[1] [2]", "1,2", "nan", "{\"a\":-}", "\"\xff\""}) {
    EXPECT_FALSE(parse_value(text).has_value()) << text;
  }
}

TEST(Value, RefusesDeepNesting) {
  const std::string open(400, '['), close(400, ']');
  EXPECT_FALSE(parse_value(open + close).has_value());
  const std::string some(200, '['), end(200, ']');
  EXPECT_TRUE(parse_value(some + end).has_value());
}

TEST(Value, ErrorsDoNotQuoteTheText) {
  const auto value = parse_value("{\"key\": canary-canary}");
  ASSERT_FALSE(value.has_value());
  EXPECT_THAT(value.error().message(), testing::Not(HasSubstr("canary")));
}

TEST(Value, PrettyJsonIsIndentedByTwo) {
  EXPECT_EQ(to_pretty_json(parsed(R"({"a":[1,{"b":{}}],"c":[],"d":"x"})")),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n"
            "  \"c\": [],\n  \"d\": \"x\"\n}");
}

TEST(Value, PlainTextIsAsGoPrintsIt) {
  EXPECT_EQ(to_plain(parsed(R"({"b":[1,"x y"],"a":null})")),
            "map[a:<nil> b:[1 x y]]");
  EXPECT_EQ(to_plain(parsed("false")), "false");
}

TEST(Yaml, QuotesOnlyWhatCouldBeMisread) {
  EXPECT_EQ(
      to_yaml(parsed(
          R"({"z":"yes","a":"plain text","n":5,"d":"2024-01-01","e":"",)"
          R"("l":["x",{"k":"v"}],"o":{"p":null},"m":"a: b","w":"l1\nl2"})")),
      "a: plain text\n"
      "d: \"2024-01-01\"\n"
      "e: \"\"\n"
      "l:\n"
      "- x\n"
      "-\n"
      "  k: v\n"
      "m: \"a: b\"\n"
      "\"n\": 5\n"
      "o:\n"
      "  p: null\n"
      "w: \"l1\\nl2\"\n"
      "z: \"yes\"\n");
  EXPECT_EQ(to_yaml(parsed("[]")), "[]\n");
}

TEST(Table, AlignsColumnsAndFillsEmptyCells) {
  EXPECT_EQ(
      format_table({{"Key", "Value"}, {"token_duration", "∞"}, {"x", ""}}),
      "Key               Value\n"
      "---               -----\n"
      "token_duration    ∞\n"
      "x                 n/a");
  EXPECT_EQ(format_table({{"Keys"}, {"a"}}), "Keys\n----\na");
  EXPECT_EQ(format_table({}), "");
}

TEST(Table, TerminalSequencesArriveAsText) {
  EXPECT_EQ(visible("a\x1b[2Jb\tc\nd\x7f"), "a\\x1b[2Jb\tc\nd\\x7f");
}

}  // namespace
}  // namespace bulla::cli
