#include "kek/key_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/encoding.h"

namespace bulla::kek {
namespace {

constexpr std::size_t kTextBytesMax = 4096;
constexpr std::size_t kKeyBytes = 32;

Result<SecretBytes> read_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return fail(invalid_argument(
        fmt::format("the environment variable \"{}\" is not set", name)));
  }
  return SecretBytes::copy_of(as_bytes(value));
}

Result<std::size_t> read_all(int file, ByteSpan out) {
  std::size_t size = 0;
  while (size < out.size()) {
    const auto got = ::read(file, out.data() + size, out.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(invalid_argument(std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return size;
}

// The key in a file of exactly 32 bytes may end in what looks like a newline.
ByteView without_newline(ByteView text) {
  if (text.size() == kKeyBytes) return text;
  if (!text.empty() && text.back() == '\n') text = text.first(text.size() - 1);
  if (!text.empty() && text.back() == '\r') text = text.first(text.size() - 1);
  return text;
}

Result<SecretBytes> read_bytes(const std::string& path, std::size_t bytes_max) {
  const auto wrong = [&](std::string_view what) {
    return fail(
        invalid_argument(fmt::format("the file \"{}\": {}", path, what)));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return wrong(std::strerror(errno));
  SecretBytes buffer(bytes_max + 1);
  const auto size = read_all(file, buffer.expose_mutable());
  ::close(file);
  if (!size) return wrong(size.error().message());
  if (*size > bytes_max) {
    return wrong(fmt::format("longer than {} bytes", bytes_max));
  }
  return SecretBytes::copy_of(buffer.expose().first(*size));
}

Result<SecretBytes> read_file(const std::string& path) {
  TRY_ASSIGN(const SecretBytes bytes, read_bytes(path, kTextBytesMax));
  const ByteView text = without_newline(bytes.expose());
  if (text.empty()) {
    return fail(invalid_argument(fmt::format("the file \"{}\": empty", path)));
  }
  return SecretBytes::copy_of(text);
}

Result<SecretBytes> as_key(Result<Bytes> decoded) {
  if (!decoded) return fail(decoded.error());
  const WipeGuard guard(*decoded);
  if (decoded->size() != kKeyBytes) return fail(invalid_argument(""));
  return SecretBytes::copy_of(*decoded);
}

Result<SecretBytes> decode(SecretBytes text) {
  const std::string_view view = as_text(text.expose());
  switch (view.size()) {
    case 32:
      return text;
    case 64:
      return as_key(hex_decode(view));
    case 44:
      return as_key(base64_decode(view));
    case 43:
      return as_key(base64url_decode(view));
    default:
      return fail(invalid_argument(""));
  }
}

}  // namespace

Result<SecretBytes> read_secret_text(std::string_view text) {
  constexpr std::string_view kEnv = "env://";
  constexpr std::string_view kFile = "file://";
  if (text.starts_with(kEnv)) {
    return read_variable(std::string(text.substr(kEnv.size())));
  }
  if (text.starts_with(kFile)) {
    return read_file(std::string(text.substr(kFile.size())));
  }
  return SecretBytes::copy_of(as_bytes(text));
}

Result<SecretBytes> read_credential_file(const std::string& path,
                                         std::size_t bytes_max) {
  TRY_ASSIGN(const SecretBytes bytes, read_bytes(path, bytes_max));
  std::string_view text = as_text(bytes.expose());
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    return fail(invalid_argument(fmt::format("the file \"{}\": empty", path)));
  }
  text = text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  return SecretBytes::copy_of(as_bytes(text));
}

Result<SecretBytes> read_key_text(std::string_view text) {
  TRY_ASSIGN(auto secret, read_secret_text(text));
  auto key = decode(std::move(secret));
  // The decoder's own message may tell characters of the key.
  if (!key) {
    return fail(invalid_argument(
        "not a 32-byte key: expected 32 bytes, 64 hexadecimal digits, 44 "
        "characters of base64, 43 of unpadded base64url, env://NAME or "
        "file://PATH"));
  }
  return key;
}

}  // namespace bulla::kek
