#include "base/thread.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

namespace bulla {
namespace {

constexpr int kNiceSteps = 10;

}  // namespace

void lower_thread_priority() {
  // Linux keeps niceness by thread.
  const auto thread = static_cast<id_t>(::gettid());
  const int now = ::getpriority(PRIO_PROCESS, thread);
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, now + kNiceSteps));
}

void run_at_low_priority(const std::function<void()>& work) {
  std::thread thread;
  try {
    thread = std::thread([&work] {
      lower_thread_priority();
      work();
    });
  } catch (const std::system_error&) {  // as many as the system allows
    work();
    return;
  }
  thread.join();
}

void run_beside(std::size_t threads, const std::function<void()>& work) {
  std::vector<std::thread> others;
  try {
    while (others.size() + 1 < threads) others.emplace_back(work);
  } catch (const std::system_error&) {  // as many as the system allows
  }
  work();
  for (std::thread& other : others) other.join();
}

unsigned usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) {
    return std::max(1U, std::thread::hardware_concurrency());
  }
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&cores)));
}

}  // namespace bulla
