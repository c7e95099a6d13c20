#include "server/metrics.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/json.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::HasSubstr;
using testing::Not;

TEST(Metrics, CountsByOperationAndStatus) {
  Metrics metrics;
  MetricsShard& a = metrics.new_shard();
  MetricsShard& b = metrics.new_shard();
  a.count(Operation::kUpdate, 200, 1'000);
  b.count(Operation::kUpdate, 204, 5'000);
  b.count(Operation::kRead, 404, 9'000);
  b.count(Operation::kRead, 42, 9'000);
  b.count(Operation::kRead, 600, 9'000);
  const std::string text = metrics.prometheus();
  EXPECT_THAT(text, HasSubstr("# TYPE bulla_requests_total counter\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "bulla_requests_total{operation=\"update\",status=\"2xx\"} 2\n"));
  EXPECT_THAT(
      text,
      HasSubstr("bulla_requests_total{operation=\"read\",status=\"4xx\"} 1\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "bulla_requests_total{operation=\"read\",status=\"other\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("status=\"5xx\"")));
}

TEST(Metrics, HistogramIsCumulative) {
  Metrics metrics;
  MetricsShard& shard = metrics.new_shard();
  shard.count(Operation::kRead, 200, 0);
  shard.count(Operation::kRead, 200, 4'000);  // le 4 µs
  shard.count(Operation::kRead, 200, 4'001);  // le 8 µs
  shard.count(Operation::kRead, 200, 8'000);  // le 8 µs
  shard.count(Operation::kRead, 200, 8'001);  // le 16 µs
  shard.count(Operation::kRead, 200, std::uint64_t{1} << 60);
  const std::string text = metrics.prometheus();
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"4e-06\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"8e-06\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"1.6e-05\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"2.097152\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"+Inf\"} 6\n"));
  EXPECT_THAT(text, HasSubstr("bulla_request_duration_seconds_count 6\n"));
}

TEST(Metrics, CollectorsAndProcessFiguresAreThere) {
  Metrics metrics;
  metrics.add_collector([](std::string& out) {
    out += "# TYPE mine gauge\nmine{a=\"b\\\"\\n\"} 7\n";
  });
  const std::string text = metrics.prometheus();
  EXPECT_THAT(text, HasSubstr("mine{a=\"b\\\"\\n\"} 7\n"));
  for (const char* name :
       {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
        "process_start_time_seconds ", "process_open_fds "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
  }
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

TEST(Metrics, EveryLineIsACommentOrASample) {
  Metrics metrics;
  metrics.new_shard().count(Operation::kList, 500, 10);
  const std::string text = metrics.prometheus();
  EXPECT_TRUE(text.ends_with('\n'));
  EXPECT_EQ(text.find("\n\n"), std::string::npos);
}

TEST(Metrics, JsonHasGaugesAndCounters) {
  Metrics metrics;
  metrics.new_shard().count(Operation::kRead, 200, 10);
  metrics.add_collector([](std::string& out) {
    out += "# TYPE mine gauge\nmine{a=\"b\\\"\\nn\"} 7\nnottyped 1\n";
  });
  const std::string json = metrics.json("2026-01-02 03:04:05 +0000 UTC");
  JsonParser parser;
  ASSERT_TRUE(parse_json(parser, json)) << json;
  EXPECT_THAT(json, HasSubstr(R"({"Value":7,"Labels":{"a":"b\"\nn"},)"
                              R"("Name":"mine"})"));
  EXPECT_THAT(json, HasSubstr(R"({"Count":1,"Labels":{"operation":"read",)"
                              R"("status":"2xx"},)"
                              R"("Name":"bulla_requests_total"})"));
  EXPECT_THAT(json, Not(HasSubstr("nottyped")));
  EXPECT_THAT(json, HasSubstr(R"("Timestamp":"2026-01-02 03:04:05 +0000)"));
}

TEST(Metrics, LabelsAreEscaped) {
  EXPECT_EQ(prometheus_label("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
}

TEST(Metrics, ScrapesWhileOthersCount) {
  Metrics metrics;
  MetricsShard& shard = metrics.new_shard();
  std::thread writer([&] {
    for (int i = 0; i < 10'000; ++i) shard.count(Operation::kRead, 200, 5);
  });
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(metrics.prometheus().empty());
  writer.join();
  EXPECT_THAT(metrics.prometheus(),
              HasSubstr("bulla_request_duration_seconds_count 10000\n"));
}

}  // namespace
}  // namespace bulla::server
