#include "storage/group_commit.h"

#include <utility>

namespace bulla::storage {
namespace {

std::size_t bytes_of(const PendingCommit& commit) {
  std::size_t bytes = 0;
  for (const Change& change : commit.changes) {
    bytes += change.path.size() + (change.value ? change.value->size() : 0);
  }
  return bytes;
}

}  // namespace

GroupCommitter::GroupCommitter(Apply apply)
    : apply_(std::move(apply)), writer_([this] { run(); }) {}

GroupCommitter::~GroupCommitter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  writer_.join();
}

Result<void> GroupCommitter::commit(std::span<const Change> changes,
                                    std::optional<std::uint64_t> epoch) {
  PendingCommit pending(changes, epoch);
  std::unique_lock lock(mutex_);
  waiting_.push_back(&pending);
  arrived_.notify_one();
  pending.wake.wait(lock, [&] { return pending.done; });
  return std::move(pending.result);
}

std::vector<PendingCommit*> GroupCommitter::take_group() {
  std::vector<PendingCommit*> group;
  std::size_t bytes = 0;
  while (!waiting_.empty() && group.size() < kGroupCommitsMax) {
    bytes += bytes_of(*waiting_.front());
    if (!group.empty() && bytes > kGroupBytesMax) break;
    group.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return group;
}

void GroupCommitter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::vector<PendingCommit*> group = take_group();
    lock.unlock();
    apply_(group);
    lock.lock();
    for (PendingCommit* commit : group) {
      commit->done = true;
      // Under the lock: the waiter frees the commit once it has seen `done`.
      commit->wake.notify_one();
    }
  }
}

}  // namespace bulla::storage
