#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "storage/storage.h"

namespace bulla::storage {

/// Count and latency of one kind of operation. Recording takes four relaxed
/// atomic additions and no lock; a snapshot taken meanwhile may be off by the
/// operations in flight. Any thread.
class OpMeter {
 public:
  /// Bucket i counts latencies of less than 2^i µs that no lower one counts;
  /// the last one counts all the rest (8 s and more).
  static constexpr std::size_t kBuckets = 25;

  struct Snapshot {
    std::uint64_t count = 0;
    std::uint64_t errors = 0;
    std::chrono::nanoseconds total{0};
    std::array<std::uint64_t, kBuckets> buckets{};
  };

  void record(std::chrono::nanoseconds latency, bool ok);
  Snapshot snapshot() const;
  static std::size_t bucket_of(std::chrono::nanoseconds latency);

 private:
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<std::uint64_t> nanos_{0};
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
};

struct StorageMeters {
  OpMeter get;
  OpMeter commit;
  OpMeter list;
  OpMeter scan;
};

/// Wraps an engine and measures every operation for metrics but snapshots,
/// whose time is their reader's.
class MeteredStorage final : public Storage {
 public:
  /// `inner` must not be null.
  explicit MeteredStorage(std::unique_ptr<Storage> inner)
      : inner_(std::move(inner)) {}

  const StorageMeters& meters() const { return meters_; }
  Storage& inner() { return *inner_; }

  Result<std::optional<Entry>> get(std::string_view path) override;
  Result<void> commit(std::span<const Change> changes) override;
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  std::string_view kind() const override { return inner_->kind(); }

 private:
  std::unique_ptr<Storage> inner_;
  StorageMeters meters_;
};

}  // namespace bulla::storage
