#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SysMisc : public SysFixture {
 protected:
  void SetUp() override { open(); }
  std::string read(std::string_view path) {
    const std::string json = data(call(Operation::kRead, path, {}, root_));
    EXPECT_TRUE(parse_json(parser_, json)) << json;
    return json;
  }
  JsonParser parser_;
};

TEST_F(SysMisc, HostInfo) {
  EXPECT_THAT(read("host-info"),
              AllOf(HasSubstr("\"hostname\""), HasSubstr("\"cpu\":[{\"cpu\":0"),
                    HasSubstr("\"total\""),
                    HasSubstr("\"timestamp\":\"2026-01-02T03:04:05.678Z\"")));
}

TEST_F(SysMisc, SanitizedConfigurationHoldsNoSecret) {
  SealStanza seal;
  seal.kind = "static";
  seal.options["current_key"] = "CANARY";
  config_.seals.push_back(seal);
  config_.storage_options["password"] = "CANARY";
  EXPECT_THAT(read("config/state/sanitized"), Not(HasSubstr("CANARY")));
}

TEST_F(SysMisc, HaStatusHasThisNode) {
  config_.api_addr = "http://127.0.0.1:8200";
  const auto answer = call(Operation::kRead, "ha-status", {}, root_);
  EXPECT_TRUE(answer->duplicate_at_top);
  EXPECT_THAT(data(answer),
              AllOf(HasSubstr(R"("active_node":true)"),
                    HasSubstr(R"("api_address":"http://127.0.0.1:8200")"),
                    HasSubstr(R"("last_echo":null)")));
}

TEST_F(SysMisc, InFlightIsBare) {
  const auto answer = call(Operation::kRead, "in-flight-req", {}, root_);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->bare);
  EXPECT_EQ(answer->data, "{}");
}

TEST_F(SysMisc, VersionHistoryIsAList) {
  EXPECT_EQ(call(Operation::kRead, "version-history", {}, root_).error().code(),
            ErrorCode::kUnsupported);
  EXPECT_EQ(data(call(Operation::kList, "version-history", {}, root_)),
            R"({"key_info":{")" BULLA_VERSION
            R"(":{"previous_version":null,"timestamp_installed":)"
            R"("2026-01-02T03:04:05.678Z"}},"keys":[")" BULLA_VERSION R"("]})");
}

}  // namespace
}  // namespace bulla::server
