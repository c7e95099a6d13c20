#include "api/field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace bulla::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

const std::array kSchema = {
    Field{"name", FieldType::kString},
    Field{"lower", FieldType::kLowerString},
    Field{"n", FieldType::kInt},
    Field{"flag", FieldType::kBool},
    Field{"ttl", FieldType::kDuration},
    Field{"signed", FieldType::kSignedDuration},
    Field{"slice", FieldType::kStringSlice},
    Field{"commas", FieldType::kCommaStringSlice},
    Field{"ints", FieldType::kCommaIntSlice},
    Field{"map", FieldType::kMap},
    Field{"kv", FieldType::kKvPairs},
    Field{"when", FieldType::kTime},
    Field{"any", FieldType::kAny},
};

class FieldsTest : public ::testing::Test {
 protected:
  Result<void> bind(std::string_view json,
                    std::span<const PathParam> params = {}) {
    const auto root = parse_json(parser_, json);
    EXPECT_TRUE(root.has_value()) << json;
    return fields_.bind(kSchema, params, root->get_object().value());
  }
  std::string error(std::string_view json) {
    const auto bound = bind(json);
    return bound ? "" : bound.error().message();
  }

  JsonParser parser_;
  Fields fields_;
};

TEST_F(FieldsTest, AbsentFieldsAnswerTheGivenDefault) {
  ASSERT_TRUE(fields_.bind(kSchema, {}, std::nullopt));
  EXPECT_FALSE(fields_.has("name"));
  EXPECT_EQ(fields_.text("name", "x"), "x");
  EXPECT_EQ(fields_.integer("n", 7), 7);
  EXPECT_TRUE(fields_.boolean("flag", true));
  EXPECT_EQ(fields_.duration("ttl", Seconds{3}), Seconds{3});
  EXPECT_THAT(fields_.strings("slice"), IsEmpty());
  EXPECT_FALSE(fields_.object("map"));
  EXPECT_FALSE(fields_.time("when"));
  EXPECT_FALSE(fields_.raw("any"));
}

TEST_F(FieldsTest, NullIsUnset) {
  ASSERT_TRUE(bind(R"({"name":null,"n":null,"map":null,"any":null})"));
  for (const auto* name : {"name", "n", "map", "any"}) {
    EXPECT_FALSE(fields_.has(name)) << name;
  }
}

TEST_F(FieldsTest, TextComesAsTextFromEveryScalar) {
  ASSERT_TRUE(bind(R"({"name":"a"})"));
  EXPECT_EQ(fields_.text("name"), "a");
  ASSERT_TRUE(bind(R"({"name":12})"));
  EXPECT_EQ(fields_.text("name"), "12");
  ASSERT_TRUE(bind(R"({"name":1.5})"));
  EXPECT_EQ(fields_.text("name"), "1.5");
  ASSERT_TRUE(bind(R"({"name":true})"));
  EXPECT_EQ(fields_.text("name"), "1");
  ASSERT_TRUE(bind(R"({"name":false})"));
  EXPECT_EQ(fields_.text("name"), "0");
  ASSERT_TRUE(bind(R"({"lower":"  ABC \n"})"));
  EXPECT_EQ(fields_.text("lower"), "abc");
}

TEST_F(FieldsTest, TextIsNoList) {
  for (const auto* bad : {R"({"name":["a"]})", R"({"name":[]})",
                          R"({"name":{"a":1}})", R"({"lower":["a"]})"}) {
    EXPECT_NE(error(bad), "") << bad;
  }
}

TEST_F(FieldsTest, IntegersTakeBasePrefixes) {
  ASSERT_TRUE(bind(R"({"n":-5})"));
  EXPECT_EQ(fields_.integer("n"), -5);
  ASSERT_TRUE(bind(R"({"n":"0x0a"})"));
  EXPECT_EQ(fields_.integer("n"), 10);
  ASSERT_TRUE(bind(R"({"n":"012"})"));
  EXPECT_EQ(fields_.integer("n"), 10);
  ASSERT_TRUE(bind(R"({"n":""})"));
  EXPECT_EQ(fields_.integer("n", 3), 0);
  ASSERT_TRUE(bind(R"({"n":true})"));
  EXPECT_EQ(fields_.integer("n"), 1);
  EXPECT_EQ(*text_to_int("-9223372036854775808"),
            std::numeric_limits<std::int64_t>::min());
  for (const auto* bad :
       {R"({"n":"1.5"})", R"({"n":"x"})", R"({"n":[1]})", R"({"n":1.5})",
        R"({"n":"9223372036854775808"})", R"({"n":18446744073709551615})",
        R"({"n":"-"})", R"({"n":"0x"})", R"({"n":"--1"})", R"({"n":" 1"})"}) {
    EXPECT_THAT(error(bad),
                HasSubstr("Field validation failed: error converting input for "
                          "field \"n\": "))
        << bad;
  }
}

TEST_F(FieldsTest, BooleansAreGoBooleans) {
  for (const auto* yes : {"true", "1", "\"t\"", "\"True\"", "\"1\""}) {
    ASSERT_TRUE(bind(std::string("{\"flag\":") + yes + "}")) << yes;
    EXPECT_TRUE(fields_.boolean("flag")) << yes;
  }
  for (const auto* no : {"false", "0", "\"\"", "\"F\"", "\"False\""}) {
    ASSERT_TRUE(bind(std::string("{\"flag\":") + no + "}")) << no;
    EXPECT_FALSE(fields_.boolean("flag", true)) << no;
  }
  for (const auto* bad : {"\"yes\"", "{}", "2", "-1", "1.0"}) {
    EXPECT_THAT(error(std::string("{\"flag\":") + bad + "}"),
                HasSubstr("field \"flag\""))
        << bad;
  }
}

TEST_F(FieldsTest, DurationsAreWholeSeconds) {
  const std::pair<const char*, int> cases[] = {
      {"30", 30},          {"\"30\"", 30},    {"\"1h30m\"", 5400},
      {"\"5d\"", 432'000}, {"\"1500ms\"", 1}, {"\"\"", 0}};
  for (const auto& [json, seconds] : cases) {
    ASSERT_TRUE(bind(std::string("{\"ttl\":") + json + "}")) << json;
    EXPECT_EQ(fields_.duration("ttl"), Seconds{seconds}) << json;
  }
  EXPECT_EQ(error(R"({"ttl":-1})"),
            "Field validation failed: error converting input for field "
            "\"ttl\": cannot provide negative value '-1'");
  EXPECT_THAT(error(R"({"ttl":"-1h"})"), HasSubstr("negative value '-1h'"));
  EXPECT_NE(error(R"({"ttl":"soon"})"), "");
  EXPECT_NE(error(R"({"ttl":9223372036854775807})"), "");
  ASSERT_TRUE(bind(R"({"signed":"-90s"})"));
  EXPECT_EQ(fields_.duration("signed"), Seconds{-90});
}

TEST_F(FieldsTest, SlicesSplitOnlyWhereTheyShould) {
  // As OpenBao: no text is no element, an empty element is one.
  ASSERT_TRUE(bind(R"({"slice":""})"));
  EXPECT_THAT(fields_.strings("slice"), IsEmpty());
  ASSERT_TRUE(bind(R"({"slice":[""]})"));
  EXPECT_THAT(fields_.strings("slice"), ElementsAre(""));
  ASSERT_TRUE(bind(R"({"slice":"a,b","commas":"a,b , c"})"));
  EXPECT_THAT(fields_.strings("slice"), ElementsAre("a,b"));
  EXPECT_THAT(fields_.strings("commas"), ElementsAre("a", "b", "c"));
  ASSERT_TRUE(bind(R"({"slice":["a",1,true],"commas":["x"," y"]})"));
  EXPECT_THAT(fields_.strings("slice"), ElementsAre("a", "1", "1"));
  EXPECT_THAT(fields_.strings("commas"), ElementsAre("x", "y"));
  ASSERT_TRUE(bind(R"({"commas":"[\"p\",\"q\"]"})"));
  EXPECT_THAT(fields_.strings("commas"), ElementsAre("p", "q"));
  ASSERT_TRUE(bind(R"({"commas":"","ints":"1, 2"})"));
  EXPECT_THAT(fields_.strings("commas"), IsEmpty());
  EXPECT_THAT(fields_.integers("ints"), ElementsAre(1, 2));
  ASSERT_TRUE(bind(R"({"ints":[3,"4"]})"));
  EXPECT_THAT(fields_.integers("ints"), ElementsAre(3, 4));
  EXPECT_NE(error(R"({"slice":[["a"]]})"), "");
  EXPECT_NE(error(R"({"slice":{"a":1}})"), "");
  EXPECT_NE(error(R"({"ints":"1,x"})"), "");
}

TEST_F(FieldsTest, MapsAndPairs) {
  ASSERT_TRUE(bind(R"({"map":{"a":1},"kv":{"k":"v","n":2}})"));
  ASSERT_TRUE(fields_.object("map"));
  EXPECT_THAT(fields_.pairs("kv"), ElementsAre(Pair("k", "v"), Pair("n", "2")));
  ASSERT_TRUE(bind(R"({"kv":["a=1","b=c=d"]})"));
  EXPECT_THAT(fields_.pairs("kv"),
              ElementsAre(Pair("a", "1"), Pair("b", "c=d")));
  ASSERT_TRUE(bind(R"({"kv":"a=1"})"));
  EXPECT_THAT(fields_.pairs("kv"), ElementsAre(Pair("a", "1")));
  EXPECT_NE(error(R"({"kv":"a"})"), "");
  EXPECT_NE(error(R"({"kv":""})"), "");
  EXPECT_NE(error(R"({"kv":{"a":{}}})"), "");
  EXPECT_NE(error(R"({"map":"a"})"), "");
}

TEST_F(FieldsTest, Times) {
  ASSERT_TRUE(bind(R"({"when":"2026-01-02T03:04:05Z"})"));
  EXPECT_EQ(unix_seconds(*fields_.time("when")), 1767323045);
  ASSERT_TRUE(bind(R"({"when":10})"));
  EXPECT_EQ(unix_seconds(*fields_.time("when")), 10);
  ASSERT_TRUE(bind(R"({"when":"11"})"));
  EXPECT_EQ(unix_seconds(*fields_.time("when")), 11);
  EXPECT_NE(error(R"({"when":"tomorrow"})"), "");
}

TEST_F(FieldsTest, PathStandsBeforeBodyAndBothAreReported) {
  const PathParam params[] = {{"name", "path"}, {"n", "5"}, {"extra", "e"}};
  ASSERT_TRUE(
      bind(R"({"name":"body","zz":1,"aa":2,"aa":3,"extra":4})", params));
  EXPECT_EQ(fields_.text("name"), "path");
  EXPECT_EQ(fields_.integer("n"), 5);
  EXPECT_EQ(fields_.text("extra"), "e");
  EXPECT_TRUE(fields_.has("extra"));
  EXPECT_FALSE(fields_.raw("name"));
  EXPECT_THAT(fields_.replaced(), ElementsAre("extra", "name"));
  EXPECT_THAT(fields_.unrecognized(), ElementsAre("aa", "zz"));
}

TEST_F(FieldsTest, BadPathParametersFailLikeBodyFields) {
  const PathParam params[] = {{"n", "five"}};
  const auto bound = bind("{}", params);
  ASSERT_FALSE(bound);
  EXPECT_THAT(bound.error().message(), HasSubstr("field \"n\""));
}

TEST_F(FieldsTest, LastOfRepeatedMembersWins) {
  ASSERT_TRUE(bind(R"({"name":"a","name":"b","n":1,"n":null})"));
  EXPECT_EQ(fields_.text("name"), "b");
  EXPECT_FALSE(fields_.has("n"));
}

TEST_F(FieldsTest, BindingAgainForgetsTheFirst) {
  ASSERT_TRUE(bind(R"({"name":1,"x":1})"));
  ASSERT_TRUE(bind("{}"));
  EXPECT_FALSE(fields_.has("name"));
  EXPECT_THAT(fields_.unrecognized(), IsEmpty());
}

TEST_F(FieldsTest, ErrorsNeverRepeatTheValue) {
  for (const auto* name : {"n", "flag", "ttl", "ints", "map", "kv", "when"}) {
    const std::string message =
        error(std::string("{\"") + name + "\":\"canary-s3cret\"}");
    EXPECT_NE(message, "") << name;
    EXPECT_THAT(message, Not(HasSubstr("canary"))) << name;
  }
}

}  // namespace
}  // namespace bulla::api
