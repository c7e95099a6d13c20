#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::HasSubstr;
using testing::StartsWith;

using SysMetrics = SysFixture;

TEST_F(SysMetrics, PrometheusIsPlainText) {
  open();
  core_->metrics().new_shard().count(Operation::kRead, 200, 10);
  const auto text =
      call(Operation::kRead, "metrics", R"({"format":"prometheus"})", root_);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->bare);
  EXPECT_EQ(text->content_type, "text/plain; version=0.0.4");
  EXPECT_THAT(text->data, StartsWith("# HELP bulla_requests_total"));
  config_.prometheus_retention_time = Seconds{0};
  EXPECT_FALSE(
      call(Operation::kRead, "metrics", R"({"format":"prometheus"})", root_));
}

TEST_F(SysMetrics, JsonOtherwise) {
  open();
  const auto json = call(Operation::kRead, "metrics", {}, root_);
  ASSERT_TRUE(json);
  EXPECT_TRUE(json->bare);
  EXPECT_THAT(json->data, HasSubstr(R"("Timestamp":"2026-01-02T03:04:05)"));
}

TEST_F(SysMetrics, AsOpenAsAListenerSays) {
  EXPECT_FALSE(route("metrics")->unauthenticated);
  EXPECT_FALSE(route("metrics")->while_sealed);
  config_.listeners.emplace_back().unauthenticated_metrics_access = true;
  rebuild();
  EXPECT_TRUE(route("metrics")->unauthenticated);
  EXPECT_TRUE(route("metrics")->while_sealed);
  EXPECT_TRUE(call(Operation::kRead, "metrics"));
}

}  // namespace
}  // namespace bulla::server
