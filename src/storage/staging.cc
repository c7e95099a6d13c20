#include "storage/staging.h"

#include "base/assert.h"

namespace bulla::storage {

void StagingStorage::begin() {
  const std::lock_guard lock(mutex_);
  held_.clear();
  staging_ = true;
}

std::vector<Change> StagingStorage::take() {
  const std::lock_guard lock(mutex_);
  staging_ = false;
  std::vector<Change> changes;
  for (auto& [path, change] : held_) changes.push_back(std::move(change));
  held_.clear();
  return changes;
}

Result<std::optional<Entry>> StagingStorage::get(std::string_view path) {
  if (staging_) {
    const std::lock_guard lock(mutex_);
    if (const auto it = held_.find(path); it != held_.end()) {
      if (!it->second.value) return std::optional<Entry>{};
      return std::optional<Entry>({*it->second.value, 1});
    }
  }
  return target_.get(path);
}

Result<void> StagingStorage::commit(std::span<const Change> changes) {
  if (!staging_) return target_.commit(changes);
  const std::lock_guard lock(mutex_);
  for (const Change& change : changes) {
    Change held = change;
    // What was put while staging has no version of its own yet.
    if (held_.contains(change.path)) held.expected.reset();
    held_.insert_or_assign(change.path, std::move(held));
  }
  return {};
}

Result<std::vector<std::string>> StagingStorage::list(std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) {
  return target_.list(prefix, after, limit);
}

Result<std::vector<std::string>> StagingStorage::scan(std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) {
  return target_.scan(prefix, after, limit);
}

Result<std::unique_ptr<Snapshot>> StagingStorage::snapshot() {
  return target_.snapshot();
}

}  // namespace bulla::storage
