#include "audit/file_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace bulla::audit {
namespace {

constexpr std::size_t kFilePathBytesMax = 4000;
constexpr mode_t kExecutable = 0111;
constexpr mode_t kPermissions = 0777;

std::string reason(int error) {
  return std::error_code(error, std::generic_category()).message();
}

Error cannot_open(std::string_view path, std::string_view why) {
  return invalid_argument(
      fmt::format("cannot open audit file {:?}: {}", path, why));
}

Result<mode_t> parse_mode(const std::string& text) {
  unsigned mode = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, mode, 8);
  if (parsed.ec != std::errc{} || parsed.ptr != end || mode > kPermissions) {
    return fail(invalid_argument(
        "audit option \"mode\" must be octal permissions such as \"0600\""));
  }
  if ((mode & kExecutable) != 0) {
    return fail(invalid_argument(
        "audit option \"mode\" must not make the file executable"));
  }
  return static_cast<mode_t>(mode);
}

// A line cut short by a crash or a full disk must not swallow the next one.
bool ends_torn(const std::string& path) {
  if (path == "discard" || path == "stdout") return false;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  char last = '\n';
  if (::lseek(fd, -1, SEEK_END) >= 0 && ::read(fd, &last, 1) != 1) last = '\n';
  ::close(fd);
  return last != '\n';
}

}  // namespace

FileDevice::FileDevice(DeviceConfig config, DeviceOptions options,
                       std::string_view salt, const Logger& log, Target target,
                       int fd)
    : Device(std::move(config), options, salt),
      log_(log),
      target_(std::move(target)),
      fd_(fd),
      torn_(ends_torn(target_.path)) {}

FileDevice::~FileDevice() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileDevice::Target> FileDevice::parse_target(
    const DeviceConfig& config) {
  Target target;
  for (const auto& [name, value] : config.options) {
    if (name == "file_path" || (name == "path" && target.path.empty())) {
      target.path = value;
    } else if (name == "mode") {
      TRY_ASSIGN(target.mode, parse_mode(value));
    } else if (name != "path" && !is_common_option(name)) {
      return fail(invalid_argument(fmt::format(
          "audit devices of type \"file\" have no option {:?}", name)));
    }
  }
  if (target.path.empty()) {
    return fail(invalid_argument("audit option \"file_path\" is required"));
  }
  if (target.path.size() > kFilePathBytesMax ||
      target.path.find('\0') != std::string::npos) {
    return fail(invalid_argument("audit option \"file_path\" is not a path"));
  }
  return target;
}

// Sets the mode; refuses what must not be written to.
Result<void> FileDevice::prepare(int fd, const Target& target) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return fail(cannot_open(target.path, reason(errno)));
  }
  if (S_ISCHR(info.st_mode)) return {};
  if (!S_ISREG(info.st_mode)) {
    return fail(cannot_open(target.path, "it is not a regular file"));
  }
  if (target.mode != 0 && (info.st_mode & kPermissions) != target.mode &&
      ::fchmod(fd, target.mode) != 0) {
    return fail(cannot_open(target.path, reason(errno)));
  }
  if (target.mode == 0 && (info.st_mode & kExecutable) != 0) {
    return fail(cannot_open(target.path, "it is executable"));
  }
  return {};
}

Result<int> FileDevice::open_target(const Target& target) {
  if (target.path == "discard") return -1;
  if (target.path == "stdout") {
    const int fd = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return fail(cannot_open(target.path, reason(errno)));
    return fd;
  }
  // Without O_NONBLOCK a FIFO would hold up the whole server here.
  const int fd =
      ::open(target.path.c_str(),
             O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
             target.mode == 0 ? mode_t{0600} : target.mode);
  if (fd < 0) return fail(cannot_open(target.path, reason(errno)));
  auto prepared = prepare(fd, target);
  if (prepared && ::fcntl(fd, F_SETFL, O_APPEND) != 0) {
    prepared = fail(cannot_open(target.path, reason(errno)));
  }
  if (!prepared) {
    ::close(fd);
    return fail(std::move(prepared).error());
  }
  return fd;
}

Result<std::shared_ptr<Device>> FileDevice::open(DeviceConfig config,
                                                 std::string_view salt,
                                                 const Logger& log) {
  TRY_ASSIGN(const DeviceOptions options, parse_device_options(config));
  TRY_ASSIGN(Target target, parse_target(config));
  TRY_ASSIGN(const int fd, open_target(target));
  return std::shared_ptr<Device>(new FileDevice(
      std::move(config), options, salt, log, std::move(target), fd));
}

Result<void> FileDevice::reopen() {
  TRY_ASSIGN(const int fd, open_target(target_));
  // Under the lock: a look at the file while another thread is half through a
  // write to it would take that line for a torn one.
  const std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  torn_ = ends_torn(target_.path);
  return {};
}

// Log a failure once, not at every request that it refuses.
void FileDevice::note(bool ok, int error) {
  if (ok == !failing_) return;
  failing_ = !ok;
  if (ok) {
    log_.info("audit device writes again", {{"device", config().path}});
    return;
  }
  log_.error("audit device cannot write",
             {{"device", config().path}, {"error", reason(error)}});
}

bool FileDevice::write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    const auto taken = static_cast<std::size_t>(n);
    torn_ = text[taken - 1] != '\n';
    text.remove_prefix(taken);
  }
  return true;
}

bool FileDevice::write(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  if (fd_ < 0) return true;
  errno = 0;
  const bool ok = (!torn_ || write_all("\n")) && write_all(lines);
  note(ok, errno);
  return ok;
}

}  // namespace bulla::audit
