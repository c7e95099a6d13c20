#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "storage/storage.h"

namespace bulla::storage {

/// One caller's commit while it waits, and its outcome.
struct PendingCommit {
  PendingCommit(std::span<const Change> list,
                std::optional<std::uint64_t> only_in)
      : changes(list), epoch(only_in) {}

  std::span<const Change> changes;
  std::optional<std::uint64_t> epoch;  // see Coordination::commit_fenced
  Result<void> result;
  bool done = false;             // guarded by the committer's mutex
  std::condition_variable wake;  // waits on that mutex
};

/// Hands the commits that wait to one writer thread in groups, so that an
/// engine pays one flush for all of them. Groups form by themselves: what
/// arrives while a group is being written is the next one, in arrival order.
class GroupCommitter {
 public:
  /// At most this many commits, and (behind the first) bytes, a group.
  static constexpr std::size_t kGroupCommitsMax = 256;
  static constexpr std::size_t kGroupBytesMax = std::size_t{16} << 20;

  using Group = std::span<PendingCommit* const>;
  /// Sets `result` of every commit of the group. Runs on the writer thread.
  using Apply = std::function<void(Group)>;

  explicit GroupCommitter(Apply apply);
  GroupCommitter(const GroupCommitter&) = delete;
  GroupCommitter& operator=(const GroupCommitter&) = delete;
  /// Finishes what waits, then stops. No commit() may start any more.
  ~GroupCommitter();

  /// Blocks until the group with `changes` is written. Any thread.
  Result<void> commit(std::span<const Change> changes,
                      std::optional<std::uint64_t> epoch = {});

 private:
  void run();
  std::vector<PendingCommit*> take_group();

  Apply apply_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<PendingCommit*> waiting_;
  bool stopping_ = false;
  std::thread writer_;  // last: it uses the members above
};

}  // namespace bulla::storage
