#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SysTune : public SysFixture {
 protected:
  void SetUp() override {
    open();
    ASSERT_TRUE(is_none(
        call(Operation::kUpdate, "mounts/a", R"({"type":"fake"})", root_)));
    ASSERT_TRUE(is_none(
        call(Operation::kUpdate, "mounts/b/c", R"({"type":"fake"})", root_)));
  }
  Result<api::Response> tune(std::string_view path, std::string_view body) {
    return call(Operation::kUpdate, "mounts/" + std::string(path) + "/tune",
                body, root_);
  }
  std::string tuning(std::string_view path) {
    return data(call(Operation::kRead, "mounts/" + std::string(path) + "/tune",
                     {}, root_));
  }
};

TEST_F(SysTune, ShowsTheTtlsInEffect) {
  EXPECT_EQ(tuning("a"), R"({"default_lease_ttl":2764800,"description":"",)"
                         R"("force_no_cache":false,"max_lease_ttl":2764800})");
  EXPECT_EQ(tuning("b/c"), tuning("a"));
}

TEST_F(SysTune, ChangesWhatIsNamed) {
  EXPECT_TRUE(is_none(tune(
      "b/c", R"({"default_lease_ttl":"1h","max_lease_ttl":"2h",)"
             R"("description":"d","listing_visibility":"unauth",)"
             R"("audit_non_hmac_request_keys":["k"],)"
             R"("audit_non_hmac_response_keys":"x, y",)"
             R"("passthrough_request_headers":["X-A"],)"
             R"("allowed_response_headers":["X-B"],"options":{"o":"1"}})")));
  EXPECT_EQ(tuning("b/c"),
            R"({"allowed_response_headers":["X-B"],)"
            R"("audit_non_hmac_request_keys":["k"],)"
            R"("audit_non_hmac_response_keys":["x","y"],)"
            R"("default_lease_ttl":3600,"description":"d",)"
            R"("force_no_cache":false,"listing_visibility":"unauth",)"
            R"("max_lease_ttl":7200,"options":{"o":"1"},)"
            R"("passthrough_request_headers":["X-A"]})");
  // What a lease really gets is bounded when it is given.
  EXPECT_TRUE(is_none(tune("b/c", R"({"default_lease_ttl":"system"})")));
  EXPECT_THAT(tuning("b/c"), AllOf(HasSubstr(R"("default_lease_ttl":2764800)"),
                                   HasSubstr(R"("max_lease_ttl":7200)")));
  EXPECT_TRUE(
      is_none(tune("b/c", R"({"default_lease_ttl":"system",)"
                          R"("max_lease_ttl":"system","description":"",)"
                          R"("passthrough_request_headers":""})")));
  EXPECT_THAT(tuning("b/c"),
              AllOf(HasSubstr(R"("default_lease_ttl":2764800)"),
                    HasSubstr(R"("description":"")"),
                    HasSubstr(R"("audit_non_hmac_request_keys":["k"])"),
                    Not(HasSubstr("X-A"))));
  EXPECT_TRUE(is_none(tune("b/c", "{}")));
}

// What stock clients send for times that were not given.
TEST_F(SysTune, AnEmptyTimeKeepsWhatIsThere) {
  EXPECT_TRUE(is_none(tune("a", R"({"default_lease_ttl":"1h"})")));
  EXPECT_TRUE(
      is_none(tune("a", R"({"default_lease_ttl":"","max_lease_ttl":"2h"})")));
  EXPECT_THAT(tuning("a"), AllOf(HasSubstr(R"("default_lease_ttl":3600)"),
                                 HasSubstr(R"("max_lease_ttl":7200)")));
  EXPECT_EQ(error(tune("a", R"({"max_lease_ttl":"1m"})")),
            "backend max lease TTL of 60 would be less than backend default "
            "lease TTL of 3600");
}

TEST_F(SysTune, AnswersAtBothLevels) {
  EXPECT_TRUE(
      call(Operation::kRead, "mounts/a/tune", {}, root_)->duplicate_at_top);
}

TEST_F(SysTune, RefusesWithoutChangingAnything) {
  const std::string before = tuning("a");
  EXPECT_FALSE(tune("a", R"({"description":"no","max_lease_ttl":"-1h"})"));
  EXPECT_FALSE(tune("a", R"({"description":"no","default_lease_ttl":"3h",)"
                         R"("max_lease_ttl":"2h"})"));
  EXPECT_FALSE(tune("a", R"({"description":"no","token_type":"batch"})"));
  EXPECT_FALSE(tune("a", R"({"description":"no","plugin_version":"v1"})"));
  EXPECT_EQ(tuning("a"), before);
  EXPECT_EQ(error(call(Operation::kRead, "mounts/none/tune", {}, root_)),
            "cannot fetch sysview for path \"none/\"");
  EXPECT_EQ(error(tune("none", R"({"description":"x"})")),
            "tune of path \"none/\" failed: no mount entry found");
  EXPECT_EQ(error(tune("a", R"({"options":{"version":"2"}})")),
            "secrets engine \"fake\" does not allow setting a version");
  EXPECT_EQ(error(tune("a", R"({"user_lockout_config":{}})")),
            "tuning of user lockout configuration for auth type \"fake\" not "
            "allowed");
}

TEST_F(SysTune, SystemMountsOnlyTheirAuditKeys) {
  EXPECT_EQ(error(tune("sys", R"({"description":"x"})")),
            "cannot tune parameter description of sys/");
  EXPECT_EQ(error(tune("cubbyhole", R"({"max_lease_ttl":"1h"})")),
            "cannot tune parameter max_lease_ttl of cubbyhole/");
  EXPECT_TRUE(
      is_none(tune("sys", R"({"audit_non_hmac_request_keys":["path"]})")));
}

TEST_F(SysTune, AuthMethodsBothWays) {
  ASSERT_TRUE(is_none(
      call(Operation::kUpdate, "auth/x", R"({"type":"fakeauth"})", root_)));
  EXPECT_TRUE(is_none(tune("auth/x", R"({"token_type":"batch"})")));
  const std::string seen =
      data(call(Operation::kRead, "auth/x/tune", {}, root_));
  EXPECT_THAT(seen, HasSubstr(R"("token_type":"batch")"));
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "auth/x/tune",
                           R"({"token_type":"service"})", root_)));
  EXPECT_THAT(tuning("auth/x"), HasSubstr(R"("token_type":"service")"));
  EXPECT_FALSE(tune("auth/x", R"({"token_type":"other"})"));
  EXPECT_FALSE(call(Operation::kUpdate, "auth/token/tune",
                    R"({"token_type":"batch"})", root_));
}

}  // namespace
}  // namespace bulla::server
