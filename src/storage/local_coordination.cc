#include "storage/local_coordination.h"

#include <utility>

namespace bulla::storage {

Result<void> LocalCoordination::check_leads(std::uint64_t epoch) const {
  if (leader_ && leader_->epoch == epoch) return {};
  return fail(ErrorCode::kPermissionDenied, "another leads, or none does");
}

// A commit whose outcome is unknown may have changed what it names.
void LocalCoordination::publish(std::span<const Change> changes) {
  std::vector<std::string> paths;
  for (const Change& change : changes) paths.push_back(change.path);
  const std::lock_guard lock(mutex_);
  ++revision_;
  changes_.push_back(std::move(paths));
  if (changes_.size() > kChangesKept) changes_.pop_front();
  published_.notify_all();
}

Result<void> LocalCoordination::commit(std::span<const Change> changes) {
  const auto done = inner_->commit(changes);
  const bool changed = done || done.error().code() == ErrorCode::kUnavailable;
  if (changed && !changes.empty()) publish(changes);
  return done;
}

Result<void> LocalCoordination::commit_fenced(std::span<const Change> changes,
                                              std::uint64_t epoch) {
  const std::shared_lock fence(fence_);
  {
    const std::lock_guard lock(mutex_);
    TRY(check_leads(epoch));
  }
  return commit(changes);
}

Result<Attempt> LocalCoordination::try_lead(const Candidate& candidate) {
  TRY(check_candidate(candidate));
  const std::lock_guard lock(mutex_);
  if (leader_) return Attempt{false, *leader_, 0};
  const std::uint64_t previous = epoch_++;
  leader_ = Leader{candidate.name, candidate.data, epoch_};
  return Attempt{true, *leader_, previous};
}

Result<void> LocalCoordination::renew(std::uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  return check_leads(epoch);
}

Result<void> LocalCoordination::release(std::uint64_t epoch) {
  const std::unique_lock fence(fence_);
  const std::lock_guard lock(mutex_);
  if (check_leads(epoch)) leader_.reset();
  return {};
}

Result<std::optional<Leader>> LocalCoordination::leader() {
  const std::lock_guard lock(mutex_);
  return leader_;
}

Result<std::uint64_t> LocalCoordination::revision() {
  const std::lock_guard lock(mutex_);
  return revision_;
}

class LocalCoordination::Feed final : public ChangeFeed {
 public:
  Feed(LocalCoordination& owner, std::uint64_t after)
      : owner_(owner), after_(after) {}

  Result<Batch> next(std::chrono::milliseconds wait) override {
    std::unique_lock lock(owner_.mutex_);
    owner_.published_.wait_for(lock, wait,
                               [&] { return owner_.revision_ != after_; });
    Batch batch{owner_.revision_, {}, false};
    const std::uint64_t behind = owner_.revision_ - after_;
    batch.lost = after_ > owner_.revision_ || behind > owner_.changes_.size();
    if (!batch.lost) {
      for (std::uint64_t i = behind; i > 0; --i) {
        const auto& paths = owner_.changes_[owner_.changes_.size() - i];
        batch.paths.insert(batch.paths.end(), paths.begin(), paths.end());
      }
    }
    after_ = owner_.revision_;
    return batch;
  }

 private:
  LocalCoordination& owner_;
  std::uint64_t after_;
};

std::unique_ptr<ChangeFeed> LocalCoordination::watch(std::uint64_t after) {
  return std::make_unique<Feed>(*this, after);
}

}  // namespace bulla::storage
