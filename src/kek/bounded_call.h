#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/result.h"
#include "kek/kek_provider.h"

namespace bulla::kek {

/// Waits for code that cannot be broken off, such as a vendor's module, until a
/// deadline and no longer. What runs on after that runs on a thread of its own
/// and is forgotten, so `work` owns all that it touches. Any thread.
class BoundedCalls {
 public:
  /// With so many calls that never came back no more are begun.
  static constexpr int kRunningMax = 16;

  ///   kUnavailable  the deadline passed, or kRunningMax run. Else what `work`
  ///                 returns.
  template <typename T>
  Result<T> run(Deadline deadline, std::function<Result<T>()> work) {
    if (running_->fetch_add(1) >= kRunningMax) {
      running_->fetch_sub(1);
      return fail(unavailable("earlier calls to the device still wait"));
    }
    const auto call = std::make_shared<Call<T>>();
    std::thread([call, running = running_, overdue = overdue_,
                 work = std::move(work)]() mutable {
      auto result = work();
      work = nullptr;  // what it owned is gone before anyone hears of the end
      running->fetch_sub(1);
      const std::lock_guard lock(call->mutex);
      if (call->abandoned) overdue->fetch_sub(1);
      call->result = std::move(result);
      call->done.notify_one();
    }).detach();
    std::unique_lock lock(call->mutex);
    if (call->done.wait_until(lock, deadline,
                              [&] { return call->result.has_value(); })) {
      return *std::move(call->result);
    }
    call->abandoned = true;
    overdue_->fetch_add(1);
    return fail(unavailable("the device did not answer in time"));
  }

  /// Calls that were waited for in vain and still run.
  int overdue() const { return overdue_->load(); }

 private:
  template <typename T>
  struct Call {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Result<T>> result;
    bool abandoned = false;
  };
  std::shared_ptr<std::atomic<int>> running_ =
      std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<std::atomic<int>> overdue_ =
      std::make_shared<std::atomic<int>>(0);
};

}  // namespace bulla::kek
