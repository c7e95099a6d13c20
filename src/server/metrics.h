#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/operation.h"

namespace bulla::server {

/// Request counters and a latency histogram of one loop or worker: written by
/// its own thread with relaxed stores, read by whoever scrapes.
class MetricsShard {
 public:
  static constexpr std::size_t kOperations = 7;
  static constexpr std::size_t kStatusClasses = 6;  // 1xx … 5xx, other
  static constexpr std::size_t kBuckets = 20;       // powers of two of 4 µs

  void count(api::Operation operation, int status, std::uint64_t nanos);

  std::array<std::array<std::atomic<std::uint64_t>, kStatusClasses>,
             kOperations>
      requests{};
  std::array<std::atomic<std::uint64_t>, kBuckets + 1> latency{};
  std::atomic<std::uint64_t> latency_nanos{0};
};

/// All shards, and collectors that add other layers' figures at scrape time.
class Metrics {
 public:
  /// A shard that lives as long as this.
  MetricsShard& new_shard();

  /// Adds text lines in Prometheus' exposition format at each scrape.
  using Collector = std::function<void(std::string& out)>;
  void add_collector(Collector collector);

  /// Everything, `text/plain; version=0.0.4`.
  std::string prometheus() const;
  /// Vault's JSON form: {"Timestamp","Gauges","Points","Counters","Samples"}.
  std::string json(std::string_view timestamp) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<MetricsShard>> shards_;
  std::vector<Collector> collectors_;
};

/// `value` as it may stand between the quotes of a label.
std::string prometheus_label(std::string_view value);

}  // namespace bulla::server
