#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/worker.h"

namespace bulla::server {

/// Threads for what may block or takes long: storage writes, key generation,
/// KEK calls. Each has a Worker of its own. The queue is bounded.
class WorkerPool {
 public:
  static constexpr std::size_t kQueueMax = 16'384;
  using Job = std::function<void(Worker&)>;

  WorkerPool(Core& core, unsigned threads);
  /// Runs what is queued, then ends the threads.
  ~WorkerPool();

  /// False when the queue is full.
  [[nodiscard]] bool submit(Job job);

 private:
  void run();

  Core& core_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bulla::server
