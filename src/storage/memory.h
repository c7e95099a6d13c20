#pragma once

#include <functional>
#include <map>
#include <shared_mutex>
#include <string>

#include "storage/storage.h"

namespace bulla::storage {

/// The reference engine: a map behind a reader-writer lock. Durable for as long
/// as it lives; for `-dev` and tests. Never answers kUnavailable. A snapshot is
/// a copy.
class MemoryStorage final : public Storage {
 public:
  Result<std::optional<Entry>> get(std::string_view path) override;
  Result<void> commit(std::span<const Change> changes) override;
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  std::string_view kind() const override { return "inmem"; }

 private:
  class Cursor;
  class Copy;

  std::uint64_t version_of(const std::string& path) const;

  std::shared_mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::uint64_t version_ = Change::kAbsent;
};

}  // namespace bulla::storage
