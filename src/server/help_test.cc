#include "server/help.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string_view text_at(const JsonElement& json, std::string_view pointer) {
  std::string_view text;
  EXPECT_FALSE(json.at_pointer(pointer).get(text)) << pointer;
  return text;
}

TEST(Help, PathsAreWrittenAsOpenApiDoes) {
  EXPECT_EQ(openapi_path("transit/", "keys/:name/rotate"),
            "/transit/keys/{name}/rotate");
  EXPECT_EQ(openapi_path("sys/", "mounts/*path"), "/sys/mounts/{path}");
  EXPECT_EQ(openapi_path("sys/", "mounts/:path~/tune"),
            "/sys/mounts/{path}/tune");
  EXPECT_EQ(openapi_path("a/", ":who@"), "/a/{who}");
  EXPECT_EQ(openapi_path("a/", ""), "/a/");
}

TEST(Help, ARowSaysAllThereIs) {
  const FakeEngine engine("fake");
  const std::string json =
      help_json(engine.routes().front(), engine, "things/");
  EXPECT_THAT(json,
              StartsWith(R"({"help":"Request:        things/things/:name)"));
  JsonParser parser;
  const auto parsed = parse_json(parser, json);
  ASSERT_TRUE(parsed) << json;
  EXPECT_TRUE(parsed->at_key("see_also").is_null());
  EXPECT_THAT(std::string(text_at(*parsed, "/help")),
              HasSubstr("count (integer)\n        How many."));
  EXPECT_EQ(text_at(*parsed, "/openapi/openapi"), "3.0.2");
}

TEST(Help, PathItemHasParametersBodyAndFlags) {
  const FakeEngine engine("fake");
  api::Route route = engine.routes().front();
  route.sudo = true;
  route.unauthenticated = true;
  route.fields.push_back(
      {"must", api::FieldType::kCommaIntSlice, "d", {}, true});
  route.methods.push_back({api::Operation::kList, api::Cost::kPool, {}, "l"});
  route.methods.push_back({api::Operation::kDelete, api::Cost::kPool, {}, "d"});
  JsonParser parser;
  const std::string json = openapi_path_item(route);
  const auto item = parse_json(parser, json);
  ASSERT_TRUE(item) << json;
  EXPECT_EQ(text_at(*item, "/parameters/0/name"), "name");
  EXPECT_EQ(text_at(*item, "/parameters/0/in"), "path");
  EXPECT_EQ(text_at(*item, "/get/parameters/0/name"), "list");
  EXPECT_EQ(text_at(*item,
                    "/post/requestBody/content/application~1json/schema/"
                    "properties/must/items/type"),
            "integer");
  EXPECT_EQ(text_at(*item,
                    "/post/requestBody/content/application~1json/schema/"
                    "required/0"),
            "must");
  EXPECT_EQ(text_at(*item, "/delete/responses/204/description"), "empty body");
  EXPECT_THAT(json, HasSubstr(R"("x-vault-sudo":true)"));
  EXPECT_THAT(json, HasSubstr(R"("x-vault-unauthenticated":true)"));
  EXPECT_EQ(json.find("x-vault-createSupported"), std::string::npos);
}

}  // namespace
}  // namespace bulla::server
