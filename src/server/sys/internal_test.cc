#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SysInternal : public SysFixture {
 protected:
  void SetUp() override {
    open();
    for (const char* path : {"open", "mine", "hidden"}) {
      ASSERT_TRUE(
          is_none(call(Operation::kUpdate, "mounts/" + std::string(path),
                       R"({"type":"fake","description":"d"})", root_)));
    }
    ASSERT_TRUE(is_none(call(Operation::kUpdate, "mounts/open/tune",
                             R"({"listing_visibility":"unauth"})", root_)));
    ASSERT_TRUE(core_->policies().set(
        "p", R"(path "mine/*" { capabilities = ["read"] })"));
    token_ = make_token({"p"});
  }
  std::string token_;
};

TEST_F(SysInternal, StrangersSeeWhatIsShown) {
  EXPECT_TRUE(route("internal/ui/mounts")->unauthenticated);
  EXPECT_EQ(data(call(Operation::kRead, "internal/ui/mounts")),
            R"({"auth":{},"secret":{"open/":{"description":"d",)"
            R"("options":{},"type":"fake"}}})");
  const auto one = call(Operation::kRead, "internal/ui/mounts/open");
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(SysInternal, TokensSeeWhatTheyMayTouch) {
  EXPECT_THAT(data(call(Operation::kRead, "internal/ui/mounts", {}, token_)),
              AllOf(HasSubstr("\"mine/\""), HasSubstr("\"open/\""),
                    HasSubstr("\"accessor\""), Not(HasSubstr("hidden"))));
  EXPECT_THAT(data(call(Operation::kRead, "internal/ui/mounts", {}, root_)),
              AllOf(HasSubstr("\"hidden/\""), HasSubstr("\"token/\""),
                    HasSubstr("\"sys/\"")));
}

TEST_F(SysInternal, PreflightHidesWhatIsDenied) {
  EXPECT_THAT(
      data(call(Operation::kRead, "internal/ui/mounts/mine/a/b", {}, token_)),
      HasSubstr(R"("path":"mine/"})"));
  // That strangers may see a mount does not make it one's own.
  for (const char* path : {"hidden/a", "nosuch/a", "open/a"}) {
    const auto denied =
        call(Operation::kRead, "internal/ui/mounts/" + std::string(path), {},
             token_);
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_TRUE(denied.error().plain());
    EXPECT_EQ(denied.error().message(),
              "preflight capability check returned 403, please ensure "
              "client's policies grant access to path \"" +
                  std::string(path) + "/\"");
  }
}

TEST_F(SysInternal, ResultantAcl) {
  EXPECT_FALSE(route("internal/ui/resultant-acl")->unauthenticated);
  EXPECT_THAT(
      data(call(Operation::kRead, "internal/ui/resultant-acl", {}, token_)),
      AllOf(HasSubstr("\"exact_paths\""), HasSubstr("mine/"),
            Not(HasSubstr("\"root\":true"))));
  const auto root =
      data(call(Operation::kRead, "internal/ui/resultant-acl", {}, root_));
  JsonParser parser;
  EXPECT_TRUE(parse_json(parser, root)) << root;
  EXPECT_EQ(root, R"({"root":true})");
}

TEST_F(SysInternal, OpenApiHoldsWhatTheCallerMaySee) {
  const auto doc = call(Operation::kRead, "internal/specs/openapi", {}, token_);
  ASSERT_TRUE(doc);
  EXPECT_TRUE(doc->bare);
  JsonParser parser;
  const auto json = parse_json(parser, doc->data);
  ASSERT_TRUE(json) << json.error().message();
  EXPECT_THAT(doc->data, AllOf(HasSubstr("\"/mine/things/{name}\""),
                               HasSubstr("\"/sys/mounts/{path}/tune\""),
                               HasSubstr("\"/sys/seal-status\""),
                               Not(HasSubstr("\"/hidden/"))));
  std::string_view type;
  EXPECT_FALSE(json->at_pointer("/paths/~1mine~1things~1{name}/post/"
                                "requestBody/content/application~1json/schema/"
                                "properties/count/type")
                   .get(type));
  EXPECT_EQ(type, "integer");
  EXPECT_THAT(data(call(Operation::kRead, "internal/specs/openapi")),
              AllOf(HasSubstr("\"/sys/mounts\""), HasSubstr("\"/open/"),
                    Not(HasSubstr("\"/mine/"))));
}

TEST_F(SysInternal, NoNamespaces) {
  EXPECT_EQ(data(call(Operation::kRead, "internal/ui/namespaces")),
            R"({"keys":[]})");
}

}  // namespace
}  // namespace bulla::server
