#include "base/thread.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

namespace bulla {
namespace {

int niceness() {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
}

TEST(Thread, LowPriorityIsTheThreadsOwn) {
  const int before = niceness();
  int within = before;
  pid_t thread = 0;
  run_at_low_priority([&] {
    within = niceness();
    thread = ::gettid();
  });
  EXPECT_NE(thread, ::gettid());
  EXPECT_EQ(within, std::min(before + 10, 19));
  EXPECT_EQ(niceness(), before);
}

TEST(Thread, CoresAreThoseThatTheProcessMayUse) {
  EXPECT_GE(usable_cores(), 1U);
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(usable_cores(), 1U);
  }).join();
}

}  // namespace
}  // namespace bulla
