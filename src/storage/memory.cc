#include "storage/memory.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "storage/limits.h"
#include "storage/listing.h"

namespace bulla::storage {

class MemoryStorage::Cursor {
 public:
  using Position = Result<std::optional<std::string_view>>;

  explicit Cursor(const MemoryStorage& storage)
      : entries_(storage.entries_), at_(entries_.end()) {}

  Position seek(std::string_view at_least) {
    at_ = entries_.lower_bound(at_least);
    return here();
  }
  Position next() {
    ++at_;
    return here();
  }

 private:
  Position here() const {
    if (at_ == entries_.end()) return std::nullopt;
    return std::string_view(at_->first);
  }

  const std::map<std::string, Entry, std::less<>>& entries_;
  std::map<std::string, Entry, std::less<>>::const_iterator at_;
};

Result<std::optional<Entry>> MemoryStorage::get(std::string_view path) {
  TRY(check_path(path));
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(path);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

std::uint64_t MemoryStorage::version_of(const std::string& path) const {
  const auto found = entries_.find(path);
  return found == entries_.end() ? Change::kAbsent : found->second.version;
}

Result<void> MemoryStorage::commit(std::span<const Change> changes) {
  TRY(check_changes(changes));
  const std::unique_lock lock(mutex_);
  for (const Change& change : changes) {
    if (change.expected && *change.expected != version_of(change.path)) {
      return fail(ErrorCode::kConflict,
                  fmt::format("the entry at \"{}\" has changed", change.path));
    }
  }
  ++version_;
  for (const Change& change : changes) {
    if (change.value) {
      entries_.insert_or_assign(change.path, Entry{*change.value, version_});
    } else {
      entries_.erase(change.path);
    }
  }
  return {};
}

Result<std::vector<std::string>> MemoryStorage::list(std::string_view prefix,
                                                     std::string_view after,
                                                     std::size_t limit) {
  TRY(check_list_prefix(prefix));
  const std::shared_lock lock(mutex_);
  Cursor cursor(*this);
  return list_segments(cursor, prefix, after, effective_limit(limit));
}

Result<std::vector<std::string>> MemoryStorage::scan(std::string_view prefix,
                                                     std::string_view after,
                                                     std::size_t limit) {
  const std::shared_lock lock(mutex_);
  Cursor cursor(*this);
  return scan_paths(cursor, prefix, after, effective_limit(limit));
}

class MemoryStorage::Copy final : public Snapshot {
 public:
  using Map = std::map<std::string, Entry, std::less<>>;

  explicit Copy(Map entries)
      : entries_(std::move(entries)), at_(entries_.cbegin()) {}

  void seek(std::string_view at_least) override {
    at_ = entries_.lower_bound(at_least);
  }
  Result<std::optional<Item>> next() override {
    if (at_ == entries_.cend()) return std::nullopt;
    const auto here = at_++;
    return Item{here->first, here->second.value};
  }

 private:
  Map entries_;
  Map::const_iterator at_;
};

Result<std::unique_ptr<Snapshot>> MemoryStorage::snapshot() {
  const std::shared_lock lock(mutex_);
  return std::make_unique<Copy>(entries_);
}

}  // namespace bulla::storage
