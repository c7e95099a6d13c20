#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "storage/storage.h"

namespace bulla::storage {

/// Wraps an engine and makes it fail on order, for tests.
///
/// Every operation passes numbered steps, counted from 1: get, list,
/// scan and snapshot one each, a commit two (before it and after it). A crash
/// test runs once to learn steps(), and then once for each step with
/// crash_at(step). Any thread.
class FaultStorage final : public Storage {
 public:
  enum class Step : std::uint8_t {
    kGet,
    kList,
    kScan,
    kSnapshot,
    kBeforeCommit,
    kAfterCommit,  ///< Applied and durable, but not yet acknowledged.
  };
  /// What the caller is answered instead, or ok to go on. Runs without a lock.
  using Hook = std::function<Result<void>(Step step, std::uint64_t number)>;

  enum class When : std::uint8_t {
    kBefore,  ///< Nothing is applied.
    kAfter,   ///< Applied, and the error hides it: outcome unknown.
    kInstead  ///< Not applied, and yet answered with ok: a lost write.
  };

  /// `inner` must outlive this.
  explicit FaultStorage(Storage& inner) : inner_(inner) {}

  /// The `n`th commit from now (1: the next) fails with `error`, once.
  void fail_commit(std::uint64_t n, When when,
                   Error error = unavailable("injected fault"));
  /// Every get, list, scan and snapshot fails with `error`, until cleared.
  void fail_reads(Error error);
  /// get(path) gives its value with the bits of `mask` flipped in the byte at
  /// `offset` (counted modulo the value's size).
  void flip(std::string path, std::size_t offset, std::uint8_t mask = 1);
  /// get(path) finds nothing.
  void drop(std::string path);
  /// Every operation first sleeps this long.
  void delay(std::chrono::microseconds time);
  void set_hook(Hook hook);
  /// From this step on every operation answers kUnavailable and does nothing,
  /// as if the process were dead.
  void crash_at(std::uint64_t step);
  /// Forgets every fault, and numbers steps from 1 again.
  void clear();

  /// Steps passed since the start or clear().
  std::uint64_t steps() const;

  Result<std::optional<Entry>> get(std::string_view path) override;
  Result<void> commit(std::span<const Change> changes) override;
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  std::string_view kind() const override { return inner_.kind(); }

 private:
  struct Flip {
    std::size_t offset;
    std::uint8_t mask;
  };
  struct CommitFault {
    std::uint64_t countdown;
    When when;
    Error error;
  };
  struct Faults {
    std::optional<CommitFault> commit;
    std::optional<Error> reads;
    std::map<std::string, Flip, std::less<>> flips;
    std::set<std::string, std::less<>> dropped;
    std::chrono::microseconds delay{0};
    std::optional<std::uint64_t> crash_at;
    std::uint64_t steps = 0;
    Hook hook;
  };

  Result<void> pass(Step step);
  Result<void> pass_read(Step step);
  std::optional<CommitFault> due_commit_fault();

  Storage& inner_;
  mutable std::mutex mutex_;
  Faults faults_;
};

}  // namespace bulla::storage
