#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SysAuth : public SysFixture {
 protected:
  void SetUp() override { open(); }
};

TEST_F(SysAuth, ListsMethodsOnly) {
  const auto listed = call(Operation::kRead, "auth", {}, root_);
  EXPECT_TRUE(listed->duplicate_at_top);
  EXPECT_THAT(data(listed),
              AllOf(HasSubstr("\"token/\":{"),
                    HasSubstr("\"token_type\":\"default-service\""),
                    Not(HasSubstr("cubbyhole"))));
}

TEST_F(SysAuth, EnablesAndDisables) {
  EXPECT_TRUE(is_none(
      call(Operation::kUpdate, "auth/x",
           R"({"type":"fakeauth","config":{"token_type":"batch"}})", root_)));
  EXPECT_THAT(data(call(Operation::kRead, "auth/x", {}, root_)),
              AllOf(HasSubstr(R"("type":"fakeauth")"),
                    HasSubstr(R"("token_type":"batch")"),
                    HasSubstr(R"("accessor":"auth_fakeauth_)")));
  EXPECT_EQ(error(call(Operation::kUpdate, "auth/x", R"({"type":"fakeauth"})",
                       root_)),
            "path is already in use at x/");
  EXPECT_TRUE(is_none(call(Operation::kDelete, "auth/x", {}, root_)));
  EXPECT_TRUE(is_none(call(Operation::kDelete, "auth/x", {}, root_)));
  EXPECT_EQ(error(call(Operation::kRead, "auth/x", {}, root_)),
            "No auth engine at x/");
}

TEST_F(SysAuth, TokenStays) {
  EXPECT_EQ(error(call(Operation::kDelete, "auth/token", {}, root_)),
            "token credential backend cannot be disabled");
  EXPECT_EQ(
      error(call(Operation::kUpdate, "auth/t", R"({"type":"token"})", root_)),
      "token credential backend cannot be instantiated");
  // A secrets engine is no auth method.
  EXPECT_FALSE(call(Operation::kUpdate, "auth/t", R"({"type":"fake"})", root_));
}

TEST_F(SysAuth, NeedsSudo) {
  EXPECT_FALSE(route("auth")->sudo);
  EXPECT_TRUE(route("auth/x")->sudo);
  EXPECT_TRUE(route("auth/x/tune")->sudo);
  EXPECT_TRUE(route("auth/x/y/tune")->sudo);
  EXPECT_FALSE(route("mounts/x")->sudo);
}

}  // namespace
}  // namespace bulla::server
