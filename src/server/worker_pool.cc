#include "server/worker_pool.h"

#include "base/thread.h"

namespace bulla::server {

WorkerPool::WorkerPool(Core& core, unsigned threads, Priority priority,
                       std::size_t queue_max)
    : core_(core), queue_max_(queue_max) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this, priority] { run(priority); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(job));
  }
  ready_.notify_one();
  return true;
}

void WorkerPool::run(Priority priority) {
  if (priority == Priority::kLow) lower_thread_priority();
  Worker worker(core_);
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job(worker);
  }
}

}  // namespace bulla::server
