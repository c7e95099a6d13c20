#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/storage.h"

namespace bulla::storage {

/// Passes everything through to another storage, except between begin() and
/// take(): then commits are held back, seen by reads, and handed over to be
/// committed as one. So that init, which many stores write to, is one commit.
class StagingStorage final : public Storage {
 public:
  explicit StagingStorage(Storage& target) : target_(target) {}

  void begin();
  /// What was held back, ending the staging; in path order.
  std::vector<Change> take();

  Result<std::optional<Entry>> get(std::string_view path) override;
  Result<void> commit(std::span<const Change> changes) override;
  /// While staging, only the target's entries are listed or in a snapshot.
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after,
                                        std::size_t limit) override;
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after,
                                        std::size_t limit) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  std::string_view kind() const override { return target_.kind(); }

 private:
  Storage& target_;
  std::atomic<bool> staging_{false};
  std::mutex mutex_;
  std::map<std::string, Change, std::less<>> held_;
};

}  // namespace bulla::storage
