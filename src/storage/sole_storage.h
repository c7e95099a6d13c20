#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "storage/coordination.h"

namespace bulla::storage {

/// Storage that several processes could use, held by this one: it leads for as
/// long as it lives, and each commit is fenced. When a pause let another one
/// lead meanwhile, this one writes nothing any more.
class SoleStorage final : public Storage {
 public:
  static constexpr std::chrono::seconds kLease{8};

  /// Waits for the lease of a process that is gone: kLease and a little.
  /// `coordination` is of `inner`.
  ///   kUnavailable  another process holds it; says which. Or no answer.
  static Result<std::unique_ptr<SoleStorage>> open(
      std::unique_ptr<Storage> inner, Coordination& coordination,
      std::chrono::seconds lease = kLease);
  /// Lets go.
  ~SoleStorage() override;

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

 private:
  SoleStorage(std::unique_ptr<Storage> inner, Coordination& coordination,
              std::chrono::seconds lease);

  Result<void> acquire();
  Result<void> resume(std::uint64_t lapsed);
  void keep();
  Candidate candidate() const;

  std::unique_ptr<Storage> inner_;
  Coordination& coordination_;
  std::chrono::seconds lease_;
  std::string name_;
  std::atomic<std::uint64_t> epoch_{0};
  std::mutex resuming_;
  bool lost_ = false;  // under resuming_
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread keeper_;  // last: it uses the others
};

}  // namespace bulla::storage
