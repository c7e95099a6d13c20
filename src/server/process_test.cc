#include "server/process.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <string>

namespace bulla::server {
namespace {

// Whether `check` holds in a child: what is given up does not come back.
bool holds_in_child(const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_denied(long number) {
  errno = 0;
  return ::syscall(number, 0, 0, 0, 0, 0) == -1 && errno == EPERM;
}

bool execs() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(errno == EPERM ? 9 : 8);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Process, DeniesWhatAKeyServerNeverDoes) {
  EXPECT_TRUE(holds_in_child([] {
    return restrict_system_calls(false) && is_denied(SYS_ptrace) &&
           is_denied(SYS_process_vm_readv) && is_denied(SYS_bpf) &&
           is_denied(SYS_mount) && is_denied(SYS_keyctl) &&
           is_denied(SYS_add_key) && is_denied(SYS_userfaultfd) && !execs();
  }));
  EXPECT_TRUE(holds_in_child([] {
    return restrict_system_calls(false) &&
           ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
           ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
  }));
}

TEST(Process, LeavesProgramsToForeignCode) {
  EXPECT_TRUE(holds_in_child([] {
    return restrict_system_calls(true) && is_denied(SYS_ptrace) &&
           is_denied(SYS_bpf) && execs();
  }));
}

TEST(Process, GoesOnWithItsOwnWork) {
  EXPECT_TRUE(holds_in_child([] {
    if (!restrict_system_calls(false)) return false;
    std::string text;
    std::ifstream file("/proc/self/stat");
    return static_cast<bool>(std::getline(file, text)) && ::getpid() > 0;
  }));
}

TEST(Process, LeavesNoCore) {
  EXPECT_TRUE(holds_in_child([] {
    forbid_core_dumps();
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    std::ifstream filter("/proc/self/coredump_filter");
    std::string mask;
    // Not readable any more for any but root.
    const bool empty = !(filter >> mask) || mask == "00000000";
    return limit.rlim_cur == 0 && limit.rlim_max == 0 && empty &&
           ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
  }));
}

}  // namespace
}  // namespace bulla::server
