#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;

constexpr std::string_view kPath = "config/auditing/request-headers";

class SysAuditHeaders : public SysFixture {
 protected:
  void SetUp() override { open(); }
  Result<api::Response> of(Operation operation, std::string_view header,
                           std::string_view body = {}) {
    return call(operation, std::string(kPath) + "/" + std::string(header), body,
                root_);
  }
  std::string all() { return data(call(Operation::kRead, kPath, {}, root_)); }
};

TEST_F(SysAuditHeaders, AreSetReadAndRemoved) {
  EXPECT_EQ(all(), R"({"headers":{}})");
  EXPECT_TRUE(is_none(of(Operation::kUpdate, "X-Trace", R"({"hmac":true})")));
  EXPECT_TRUE(is_none(of(Operation::kUpdate, "user-agent")));
  EXPECT_EQ(all(), R"({"headers":{"user-agent":{"hmac":false},)"
                   R"("x-trace":{"hmac":true}}})");
  const auto one = of(Operation::kRead, "X-TRACE");
  EXPECT_EQ(data(one), R"({"X-TRACE":{"hmac":true}})");
  EXPECT_TRUE(one->duplicate_at_top);
  EXPECT_TRUE(is_none(of(Operation::kUpdate, "x-trace", R"({"hmac":false})")));
  EXPECT_EQ(data(of(Operation::kRead, "x-trace")),
            R"({"x-trace":{"hmac":false}})");
  EXPECT_TRUE(is_none(of(Operation::kDelete, "X-Trace")));
  EXPECT_TRUE(is_none(of(Operation::kDelete, "X-Trace")));
  EXPECT_EQ(error(of(Operation::kRead, "x-trace")),
            "Could not find header in config");
}

TEST_F(SysAuditHeaders, SurviveARestart) {
  ASSERT_TRUE(is_none(of(Operation::kUpdate, "x-a", R"({"hmac":true})")));
  rebuild();
  unseal();
  EXPECT_EQ(all(), R"({"headers":{"x-a":{"hmac":true}}})");
}

TEST_F(SysAuditHeaders, NeverThoseThatCarryTokens) {
  for (const auto* name : {"X-Vault-Token", "authorization", "a b", "a:"}) {
    EXPECT_FALSE(of(Operation::kUpdate, name, R"({"hmac":true})")) << name;
  }
  EXPECT_EQ(all(), R"({"headers":{}})");
  for (const auto* pattern : {"config/auditing/request-headers",
                              "config/auditing/request-headers/:header~"}) {
    EXPECT_TRUE(route(pattern)->sudo) << pattern;
  }
}

}  // namespace
}  // namespace bulla::server
