#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "storage/coordination.h"

namespace bulla::storage {

/// Coordination for an engine of one process, around it: whoever asks first
/// leads until it releases, and changes are told from memory. Revisions and
/// epochs begin anew with each object: nobody else has seen them.
class LocalCoordination final : public Storage, public Coordination {
 public:
  /// Commits that a feed can go back.
  static constexpr std::size_t kChangesKept = 1024;

  explicit LocalCoordination(std::unique_ptr<Storage> inner)
      : inner_(std::move(inner)) {}

  Result<std::optional<Entry>> get(std::string_view path) override {
    return inner_->get(path);
  }
  Result<void> commit(std::span<const Change> changes) override;
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override {
    return inner_->list(prefix, after, limit);
  }
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override {
    return inner_->scan(prefix, after, limit);
  }
  Result<std::unique_ptr<Snapshot>> snapshot() override {
    return inner_->snapshot();
  }
  std::string_view kind() const override { return inner_->kind(); }

  Result<Attempt> try_lead(const Candidate& candidate) override;
  Result<void> renew(std::uint64_t epoch) override;
  Result<void> release(std::uint64_t epoch) override;
  Result<std::optional<Leader>> leader() override;
  Result<void> commit_fenced(std::span<const Change> changes,
                             std::uint64_t epoch) override;
  Result<std::uint64_t> revision() override;
  std::unique_ptr<ChangeFeed> watch(std::uint64_t after) override;

 private:
  class Feed;

  Result<void> check_leads(std::uint64_t epoch) const;
  void publish(std::span<const Change> changes);

  std::unique_ptr<Storage> inner_;
  std::shared_mutex fence_;  // shared for a fenced commit, whole to depose
  std::mutex mutex_;         // of what follows
  std::condition_variable published_;
  std::optional<Leader> leader_;
  std::uint64_t epoch_ = 0;
  std::uint64_t revision_ = 0;
  /// Of the newest revisions, the last of them at the back.
  std::deque<std::vector<std::string>> changes_;
};

}  // namespace bulla::storage
