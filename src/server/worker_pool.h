#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/worker.h"

namespace bulla::server {

/// How the system's scheduler is to see the threads of a pool.
enum class Priority : std::uint8_t {
  kNormal,
  kLow,  ///< They give way to event loops, and still have a tenth of a core.
};

/// Threads for what does not belong on an event loop: those of one pool may
/// block (storage writes, KEK calls), those of another compute for long (RSA),
/// and logins that hash a password have a third to themselves.
/// Each has a Worker of its own. The queue is bounded.
class WorkerPool {
 public:
  static constexpr std::size_t kQueueMax = 16'384;
  using Job = std::function<void(Worker&)>;

  WorkerPool(Core& core, unsigned threads,
             Priority priority = Priority::kNormal,
             std::size_t queue_max = kQueueMax);
  /// Runs what is queued, then ends the threads.
  ~WorkerPool();

  /// False when the queue is full.
  [[nodiscard]] bool submit(Job job);

 private:
  void run(Priority priority);

  Core& core_;
  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bulla::server
