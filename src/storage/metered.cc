#include "storage/metered.h"

#include <algorithm>
#include <bit>

namespace bulla::storage {
namespace {

template <typename Operation>
auto measured(OpMeter& meter, Operation operation) {
  const auto start = std::chrono::steady_clock::now();
  auto result = operation();
  meter.record(std::chrono::steady_clock::now() - start, result.has_value());
  return result;
}

}  // namespace

std::size_t OpMeter::bucket_of(std::chrono::nanoseconds latency) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
  const auto width = static_cast<std::size_t>(std::bit_width(
      static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0))));
  return std::min(width, kBuckets - 1);
}

void OpMeter::record(std::chrono::nanoseconds latency, bool ok) {
  count_.fetch_add(1, std::memory_order_relaxed);
  if (!ok) errors_.fetch_add(1, std::memory_order_relaxed);
  nanos_.fetch_add(static_cast<std::uint64_t>(latency.count()),
                   std::memory_order_relaxed);
  buckets_[bucket_of(latency)].fetch_add(1, std::memory_order_relaxed);
}

OpMeter::Snapshot OpMeter::snapshot() const {
  Snapshot snapshot;
  snapshot.count = count_.load(std::memory_order_relaxed);
  snapshot.errors = errors_.load(std::memory_order_relaxed);
  snapshot.total = std::chrono::nanoseconds(
      static_cast<std::int64_t>(nanos_.load(std::memory_order_relaxed)));
  for (std::size_t i = 0; i < kBuckets; ++i) {
    snapshot.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
  }
  return snapshot;
}

Result<std::optional<Entry>> MeteredStorage::get(std::string_view path) {
  return measured(meters_.get, [&] { return inner_->get(path); });
}

Result<void> MeteredStorage::commit(std::span<const Change> changes) {
  return measured(meters_.commit, [&] { return inner_->commit(changes); });
}

Result<std::vector<std::string>> MeteredStorage::list(std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) {
  return measured(meters_.list,
                  [&] { return inner_->list(prefix, after, limit); });
}

Result<std::vector<std::string>> MeteredStorage::scan(std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) {
  return measured(meters_.scan,
                  [&] { return inner_->scan(prefix, after, limit); });
}

Result<std::unique_ptr<Snapshot>> MeteredStorage::snapshot() {
  return inner_->snapshot();
}

}  // namespace bulla::storage
