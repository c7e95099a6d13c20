#include "storage/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace bulla::storage {
namespace {

Error directory_error(const std::string& directory, std::string_view what,
                      int error) {
  return unavailable(fmt::format("storage directory \"{}\": {}: {}", directory,
                                 what, std::generic_category().message(error)));
}

Result<void> make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return fail(directory_error(directory, "cannot be made", errno));
  }
  std::filesystem::path path(directory);
  if (path.filename().empty()) path = path.parent_path();
  const std::string parent = path.parent_path().string();
  return sync_directory(parent.empty() ? "." : parent);
}

}  // namespace

Result<void> sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return fail(directory_error(directory, "cannot be opened", errno));
  }
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  // EINVAL: a file system whose directories need no flush.
  if (error == 0 || error == EINVAL) return {};
  return fail(directory_error(directory, "cannot be flushed", error));
}

Result<DirectoryLock> DirectoryLock::acquire(const std::string& directory) {
  TRY(make_directory(directory));
  const std::string path = directory + "/bulla.lock";
  const int fd =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return fail(
        directory_error(directory, "bulla.lock cannot be opened", errno));
  }
  DirectoryLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) {
    return fail(
        directory_error(directory, "bulla.lock cannot be locked", errno));
  }
  return fail(unavailable(fmt::format(
      "storage directory \"{}\" is in use by another process; stop it first, "
      "or give this one its own directory",
      directory)));
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace bulla::storage
