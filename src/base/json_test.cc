#include "base/json.h"

#include <gtest/gtest.h>

#include "base/json_writer.h"

namespace bulla {
namespace {

std::string error_of(std::string_view text, const JsonLimits& limits = {}) {
  JsonParser parser;
  const auto root = parse_json(parser, text, limits);
  return root ? "" : root.error().message();
}

TEST(Json, RoundTripsThroughText) {
  JsonParser parser;
  for (const std::string_view text :
       {"{}", "[]", "null", "{\"a\":1,\"b\":[true,false,null,\"x\"]}",
        "{\"z\":1,\"a\":{\"n\":-7}}", "18446744073709551615", "1.5", "-0.0",
        "\"\\u003ca\\u003e \\\\ \\n\""}) {
    const auto root = parse_json(parser, text);
    ASSERT_TRUE(root.has_value()) << text;
    EXPECT_EQ(json_text(*root), text);
  }
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {"", "{", "{\"a\":}", "[1,]", "nul", "{} {}", "\"\xff\"", "01"}) {
    const std::string message = error_of(text);
    EXPECT_TRUE(message.starts_with("failed to decode JSON input: ")) << text;
  }
}

TEST(Json, BoundsDepth) {
  JsonLimits limits;
  limits.depth = 10;
  const auto nested = [](std::size_t n) {
    return std::string(n, '[') + std::string(n, ']');
  };
  EXPECT_EQ(error_of(nested(9), limits), "");
  EXPECT_NE(error_of(nested(11), limits), "");
  EXPECT_NE(error_of(nested(100'000)), "");
}

TEST(Json, BoundsWidthAndStrings) {
  JsonLimits limits;
  limits.object_entries = 2;
  limits.array_elements = 3;
  limits.string_bytes = 8;
  EXPECT_EQ(error_of(R"({"a":[1,2,3],"b":"12345678"})", limits), "");
  EXPECT_EQ(error_of(R"({"a":1,"b":2,"c":3})", limits),
            "failed to decode JSON input: an object has more than 2 entries");
  EXPECT_EQ(error_of(R"({"a":[1,2,3,4]})", limits),
            "failed to decode JSON input: an array has more than 3 elements");
  EXPECT_EQ(error_of(R"({"a":"123456789"})", limits),
            "failed to decode JSON input: a string is longer than 8 bytes");
  EXPECT_EQ(error_of(R"({"123456789":1})", limits),
            "failed to decode JSON input: a string is longer than 8 bytes");
}

TEST(Json, BoundsAStringLittleLongerThanItMayBe) {
  JsonLimits limits;
  limits.string_bytes = 100;
  EXPECT_EQ(error_of('"' + std::string(100, 'x') + '"', limits), "");
  EXPECT_EQ(error_of('"' + std::string(101, 'x') + '"', limits),
            "failed to decode JSON input: a string is longer than 100 bytes");
}

// The cost of a text by the model of the header, and whether it is held to it.
TEST(Json, BoundsMemoryBeforeItIsTaken) {
  const std::pair<std::string_view, std::size_t> costs[] = {
      {"[]", 40},
      {"{}", 88},
      {"null", 17},
      {"[true,false]", 40 + 2 * 17},
      {"[-1.5e+3,0]", 40 + 2 * 24},
      {R"("abc")", 32 + 4},
      {R"({"a":"b"})", 88 + 2 * (32 + 2)},
      {R"(["a\"b","\\",7])", 40 + (32 + 5) + (32 + 3) + 24},
      {" [ [ ] , { } ] ", 2 * 40 + 88},
  };
  for (const auto& [text, cost] : costs) {
    JsonLimits limits;
    limits.memory_bytes = cost;
    EXPECT_EQ(error_of(text, limits), "") << text;
    limits.memory_bytes = cost - 1;
    EXPECT_EQ(error_of(text, limits),
              "refused JSON input due to high complexity: exceeded maximum "
              "memory of " +
                  std::to_string(cost - 1) + " bytes")
        << text;
  }
}

TEST(Json, BoundsTheNumberOfStrings) {
  JsonLimits limits;
  limits.strings = 3;
  EXPECT_EQ(error_of(R"({"a":"b","c":1})", limits), "");
  EXPECT_EQ(error_of(R"({"a":"b","c":"d"})", limits),
            "refused JSON input due to high complexity: exceeded maximum "
            "number of strings of 3");
}

// Whatever the text is, the meter ends and no error but a refusal comes.
TEST(Json, MetersWhatIsNotJson) {
  JsonLimits limits;
  limits.memory_bytes = 1;
  for (const std::string_view text :
       {"\"", "\"abc", "\"abc\\", "\"\\\"", "-", "nulll", "\\", "}}", "\x80"}) {
    EXPECT_NE(error_of(text, limits), "") << text;
  }
}

TEST(Json, GivesBackWhatALargeDocumentTook) {
  const auto capacity_after = [](const std::string& text) {
    JsonParser parser;
    const auto root = parse_json(parser, text);
    trim(parser);
    EXPECT_TRUE(parse_json(parser, "[1]").has_value());
    return parser.capacity();
  };
  const std::size_t million = std::size_t{1} << 20;
  const std::string long_string = '"' + std::string(million, 'x') + '"';
  EXPECT_GE(capacity_after(long_string), million);  // a plaintext of 768 KiB
  std::string wide = "[0";
  while (wide.size() < million / 8) wide += ",0";
  EXPECT_GE(capacity_after(wide + "]"), wide.size());
  std::string bomb = "[[0";
  while (bomb.size() < million) bomb += "],[0";
  EXPECT_LT(capacity_after(bomb + "]]"), million);
  EXPECT_LT(capacity_after(bomb), million);  // cut short: an error
  EXPECT_LT(capacity_after('"' + std::string(5 * million, 'x') + '"'), million);
}

TEST(Json, LimitsHoldAtTheSmallestText) {
  JsonLimits limits;
  limits.array_elements = 1;
  EXPECT_EQ(error_of("[1]", limits), "");
  EXPECT_NE(error_of("[1,2]", limits), "");
}

TEST(Json, PaddedTextIsNotCopied) {
  const std::string_view text = R"({"a":"b"})";
  std::string buffer(text);
  buffer.append(simdjson::SIMDJSON_PADDING, ' ');
  JsonParser parser;
  const auto root = parse_json(
      parser, std::string_view(buffer).substr(0, text.size()), {}, true);
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(json_text(*root), text);
}

TEST(Json, OneParserServesDifferentDepths) {
  JsonParser parser;
  JsonLimits shallow;
  shallow.depth = 2;
  EXPECT_TRUE(parse_json(parser, "[[[[1]]]]").has_value());
  EXPECT_FALSE(parse_json(parser, "[[[[1]]]]", shallow).has_value());
  EXPECT_TRUE(parse_json(parser, "[[[[1]]]]").has_value());
}

TEST(JsonWriter, PlacesCommas) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .member("text", "a")
      .member("number", std::int64_t{-1})
      .member("large", ~std::uint64_t{0})
      .member("flag", true)
      .member("half", 0.5);
  writer.key("list").begin_array().value("x").null().begin_object();
  writer.end_object().end_array();
  writer.key("raw").raw("{\"k\":1}").key("plain").plain("abc");
  writer.key("data").base64(as_bytes("foo"), "vault:v1:").end_object();
  EXPECT_EQ(out,
            "{\"text\":\"a\",\"number\":-1,\"large\":18446744073709551615,"
            "\"flag\":true,\"half\":0.5,\"list\":[\"x\",null,{}],"
            "\"raw\":{\"k\":1},\"plain\":\"abc\",\"data\":\"vault:v1:Zm9v\"}");
}

TEST(JsonWriter, EscapesAsGoDoes) {
  std::string out;
  append_json_string(out, std::string_view("<&>\"\\\n\r\t\b\f\x01\x7f\0", 13));
  EXPECT_EQ(out,
            "\"\\u003c\\u0026\\u003e\\\"\\\\\\n\\r\\t\\b\\f\\u0001\x7f"
            "\\u0000\"");
}

TEST(JsonWriter, ReplacesInvalidUtf8) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"\xc3\xa9", "\xc3\xa9"},
      {"\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"},
      {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},
      {"\xff", "\\ufffd"},
      {"\xc0\x80", "\\ufffd\\ufffd"},
      {"\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd"},
      {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
      {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
      {"a\xe2\x82", "a\\ufffd\\ufffd"},
  };
  for (const auto& [text, escaped] : cases) {
    std::string out;
    append_json_string(out, text);
    EXPECT_EQ(out, '"' + escaped + '"');
  }
}

TEST(JsonWriter, NumbersThatAreNoneAreNull) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_array().value(std::numeric_limits<double>::infinity());
  writer.value(std::numeric_limits<double>::quiet_NaN()).end_array();
  EXPECT_EQ(out, "[null,null]");
}

}  // namespace
}  // namespace bulla
