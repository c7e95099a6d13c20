#include "server/worker_pool.h"

#include <future>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using WorkerPoolTest = SysFixture;

TEST_F(WorkerPoolTest, RefusesWhatItsQueueCannotHoldAndRunsTheRest) {
  std::atomic<std::size_t> done{0};
  std::size_t taken = 0;
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  {
    WorkerPool pool(*core_, 2);
    const auto job = [&done, opened](Worker&) {
      opened.wait();
      ++done;
    };
    while (pool.submit(job)) ++taken;
    EXPECT_FALSE(pool.submit(job));
    EXPECT_EQ(done, 0U);
    gate.set_value();
  }
  // What the threads had in hand does not count to the queue.
  EXPECT_GE(taken, WorkerPool::kQueueMax);
  EXPECT_LE(taken, WorkerPool::kQueueMax + 2);
  EXPECT_EQ(done, taken);
}

}  // namespace
}  // namespace bulla::server
