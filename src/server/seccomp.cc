// process.h's restrict_system_calls(): a list of what is denied, not of what is
// allowed. What libraries and vendors' modules call changes with their
// versions; what a key server must never do does not.

#include <fmt/format.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>

#include "server/process.h"

namespace bulla::server {
namespace {

// Never of use, whoever runs here.
constexpr std::array kDenied = {
    // Other processes' memory and descriptors.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
    "pidfd_getfd", "kcmp",
    // The kernel's inside and its widest doors.
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module",
    "lookup_dcookie", "open_by_handle_at", "name_to_handle_at", "iopl",
    "ioperm", "syslog", "acct", "modify_ldt",
    // File systems and namespaces.
    "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "pivot_root", "chroot", "unshare",
    "setns", "swapon", "swapoff", "quotactl", "nfsservctl",
    // The machine's time and state.
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "reboot",
    "sethostname", "setdomainname", "vhangup", "personality"};

// Of use to some vendors' modules.
constexpr std::array kDeniedToUs = {
    "execve", "execveat", "add_key",  "keyctl",    "request_key", "setuid",
    "setgid", "setreuid", "setregid", "setresuid", "setresgid",   "setgroups"};

using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>,
                               decltype(&seccomp_release)>;

template <typename List>
int deny(const Filter& filter, const List& names) {
  for (const char* const name : names) {
    const int number = seccomp_syscall_resolve_name(name);
    // Not of this architecture, or of a newer kernel than the library knows.
    if (number < 0) continue;
    const int status =
        seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), number, 0);
    if (status != 0) return status;
  }
  return 0;
}

int load(bool foreign_code) {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!filter) return -ENOMEM;
  int status = deny(filter, kDenied);
  if (status == 0 && !foreign_code) status = deny(filter, kDeniedToUs);
  if (status == 0) status = seccomp_load(filter.get());
  return status;
}

}  // namespace

void forbid_new_privileges() { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

Result<void> restrict_system_calls(bool foreign_code) {
  forbid_new_privileges();
  const int status = load(foreign_code);
  if (status == 0) return {};
  return fail(unavailable(
      fmt::format("the kernel takes no seccomp filter ({}); set "
                  "disable_seccomp = true in the configuration to do without",
                  std::strerror(-status))));
}

}  // namespace bulla::server
