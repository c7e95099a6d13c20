#include "cli/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/bytes.h"
#include "cli/settings.h"

namespace bulla::cli {
namespace {

constexpr std::size_t kFileBytesMax = 16384;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

Error file_error(std::string_view doing, const std::string& path) {
  return unavailable(std::string(doing) + " the token file " + path + ": " +
                     std::strerror(errno));
}

bool write_whole(int descriptor, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return ::fsync(descriptor) == 0;
}

bool is_blank(ByteView bytes) {
  return as_text(bytes).find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

TokenFile::TokenFile(const Environment& environment) {
  const auto home = environment("HOME");
  if (home && !home->empty()) path_ = *home + "/.vault-token";
}

Result<SecretBytes> TokenFile::read() const {
  if (path_.empty()) return SecretBytes();
  const Descriptor file(
      ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return SecretBytes();
  if (file.get() < 0) return fail(file_error("reading", path_));
  SecretBytes content(kFileBytesMax);
  const ssize_t n =
      ::read(file.get(), content.expose_mutable().data(), kFileBytesMax);
  if (n < 0) return fail(file_error("reading", path_));
  const ByteView bytes = content.expose().first(static_cast<std::size_t>(n));
  if (is_blank(bytes)) return SecretBytes();
  auto token = parse_token(as_text(bytes));
  if (!token) return fail(std::move(token).error().with_context(path_));
  return token;
}

Result<void> TokenFile::write(const SecretBytes& token) const {
  if (path_.empty()) {
    return fail(unavailable("HOME is not set, so there is no token file"));
  }
  // mkstemp makes it with mode 0600; the rename replaces links, too.
  std::string temporary = path_ + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return fail(file_error("writing", path_));
  const bool done = write_whole(file.get(), token.expose()) &&
                    ::rename(temporary.c_str(), path_.c_str()) == 0;
  if (done) return {};
  const Error error = file_error("writing", path_);
  ::unlink(temporary.c_str());
  return fail(error);
}

Result<void> TokenFile::remove() const {
  if (path_.empty() || ::unlink(path_.c_str()) == 0 || errno == ENOENT) {
    return {};
  }
  return fail(file_error("removing", path_));
}

}  // namespace bulla::cli
