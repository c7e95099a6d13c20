#include "engine/kv/usage_index.h"

#include "engine/kv/record.h"

namespace bulla::engine::kv {

UsageIndex::Writing::Writing(UsageIndex& index) {
  const std::lock_guard gate(index.gate_);
  lock_ = std::shared_lock(index.writing_);
}

UsageIndex::Still::Still(UsageIndex& index)
    : gate_(index.gate_), lock_(index.writing_) {}

void UsageIndex::changed(const DekSet& before, const DekSet& after) {
  if (before == after) return;
  const std::lock_guard lock(counts_mutex_);
  if (!counts_) return;
  for (const std::string& id : after) {
    if (!before.contains(id)) ++(*counts_)[id];
  }
  for (const std::string& id : before) {
    if (after.contains(id)) continue;
    const auto at = counts_->find(id);
    if (at == counts_->end()) continue;
    if (--at->second == 0) counts_->erase(at);
  }
}

void UsageIndex::forget() {
  const std::lock_guard lock(counts_mutex_);
  counts_.reset();
}

Result<std::uint64_t> UsageIndex::count(std::string_view dek_id) {
  const Still still(*this);
  const std::lock_guard lock(counts_mutex_);
  if (!counts_) {
    TRY_ASSIGN(counts_, read_counts());
  }
  const auto at = counts_->find(dek_id);
  return at == counts_->end() ? 0 : at->second;
}

Result<UsageIndex::Counts> UsageIndex::read_counts() const {
  Counts counts;
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto paths, storage_.scan(kUsesPrefix, after));
    if (paths.empty()) return counts;
    for (const std::string& path : paths) {
      const std::string_view rest =
          std::string_view(path).substr(kUsesPrefix.size());
      const std::string_view id = rest.substr(0, rest.find('/'));
      const auto at = counts.find(id);
      if (at != counts.end()) {
        ++at->second;
      } else {
        counts.emplace(id, 1);
      }
    }
    after = paths.back();
  }
}

}  // namespace bulla::engine::kv
