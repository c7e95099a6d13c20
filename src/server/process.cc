#include "server/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include "crypto/asymmetric.h"

namespace bulla::server {
namespace {

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

Error cannot(std::string_view what, const std::string& path) {
  return unavailable(
      fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

constexpr std::size_t kKeyHeapBytes = std::size_t{64} << 20;
constexpr std::size_t kKeyHeapBytesMin = std::size_t{256} << 10;

// Asked of the kernel, since the limit does not bind who may exceed it.
bool could_lock(std::size_t bytes) {
  void* const probe = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return false;
  const bool locked = ::mlock2(probe, bytes, MLOCK_ONFAULT) == 0;
  ::munmap(probe, bytes);
  return locked;
}

std::size_t key_heap_bytes() {
  for (std::size_t bytes = kKeyHeapBytes; bytes >= kKeyHeapBytesMin;
       bytes /= 2) {
    if (could_lock(4 * bytes)) return bytes;
  }
  return kKeyHeapBytes;  // unlocked, where the configuration allows it
}

}  // namespace

bool start_key_heap() {
  static const bool locked = crypto::start_secure_heap(key_heap_bytes());
  return locked;
}

void forbid_core_dumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void block_signals() {
  const sigset_t set = our_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A closed pipe or a file limit is an error of that write, not our end.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int wait_for_signal(int milliseconds) {
  const sigset_t set = our_signals();
  const timespec limit{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
  const int signal_number = sigtimedwait(&set, nullptr, &limit);
  return signal_number < 0 ? 0 : signal_number;
}

Result<void> write_private_file(const std::string& path,
                                std::string_view text) {
  const std::string temporary = path + ".new";
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(cannot("create", temporary));
  const bool written = write_all(fd, text) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written) return fail(cannot("write", temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail(cannot("rename", temporary));
  }
  return {};
}

Result<std::string> read_private_file(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return fail(not_found(fmt::format("cannot read {}", path)));
  }
  return line;
}

}  // namespace bulla::server
