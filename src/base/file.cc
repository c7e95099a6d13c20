#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bulla {
namespace {

ErrorCode code_of(int error) {
  if (error == ENOENT) return ErrorCode::kNotFound;
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return full ? ErrorCode::kExhausted : ErrorCode::kUnavailable;
}

}  // namespace

Error File::failed(std::string_view what, int error) const {
  return {code_of(error),
          fmt::format("cannot {} {}: {}", what, path_, std::strerror(error))};
}

Result<File> File::open(const std::string& path) {
  File file(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd_ < 0) return fail(file.failed("open", errno));
  struct stat info {};
  if (::fstat(file.fd_, &info) != 0) return fail(file.failed("stat", errno));
  if (!S_ISREG(info.st_mode)) {
    return fail(unavailable(fmt::format("{} is no ordinary file", path)));
  }
  return file;
}

Result<File> File::create(const std::string& path) {
  File file(path,
            ::open(path.c_str(),
                   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.fd_ >= 0) return file;
  const int error = errno;
  Error why = file.failed("create", error);
  // That a directory is missing is no missing file.
  if (error == ENOENT) return fail(unavailable(why.message()));
  return fail(std::move(why));
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::uint64_t> File::size() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return fail(failed("stat", errno));
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::size_t> File::read_at(std::uint64_t offset, ByteSpan out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto n = ::pread(fd_, out.data() + done, out.size() - done,
                           static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(failed("read", errno));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<void> File::write_at(std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const auto n =
        ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(failed("write", errno));
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> File::sync() {
  if (::fsync(fd_) != 0) return fail(failed("flush", errno));
  return {};
}

void File::unlink() { ::unlink(path_.c_str()); }

}  // namespace bulla
