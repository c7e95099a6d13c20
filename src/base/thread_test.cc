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

// In a process of its own, which may have no further thread. The limit holds
// for nobody who is root.
[[noreturn]] void work_without_threads() {
  constexpr rlimit kNone{0, 0};
  constexpr uid_t kNobody = 65534;
  if (::setrlimit(RLIMIT_NPROC, &kNone) != 0) ::_exit(2);
  if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(3);
  pid_t thread = 0;
  run_at_low_priority([&] { thread = ::gettid(); });
  ::_exit(thread == ::gettid() ? 0 : 1);
}

TEST(Thread, WorkIsDoneWhereTheSystemHasNoThreadToGive) {
  EXPECT_EXIT(work_without_threads(), testing::ExitedWithCode(0), "");
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
