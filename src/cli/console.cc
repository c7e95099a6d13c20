#include "cli/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "cli/hidden_input.h"

namespace bulla::cli {
namespace {

// What cannot be written (a closed pipe) has no reader to be told.
void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

Error no_input(std::string_view why) {
  return unavailable("standard input: " + std::string(why));
}

}  // namespace

void ProcessConsole::out(std::string_view text) {
  write_all(STDOUT_FILENO, text);
}

void ProcessConsole::err(std::string_view text) {
  write_all(STDERR_FILENO, text);
}

bool ProcessConsole::out_is_terminal() const {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool ProcessConsole::err_is_terminal() const {
  return ::isatty(STDERR_FILENO) == 1;
}

Result<std::string> ProcessConsole::read_input() {
  std::string text;
  std::array<char, 16384> chunk{};
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(chunk.data()), chunk.size()});
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(no_input(std::strerror(errno)));
    if (n == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(n));
    if (text.size() > kInputBytesMax) {
      return fail(ErrorCode::kTooLarge, "standard input is over 32 MiB");
    }
  }
}

Result<SecretBytes> ProcessConsole::prompt_hidden(std::string_view prompt) {
  if (::isatty(STDIN_FILENO) != 1) {
    return fail(no_input("not a terminal, so nothing can be asked for"));
  }
  err(prompt);
  auto line = read_hidden_line(STDIN_FILENO, kSecretBytesMax);
  err("\n");
  return line;
}

}  // namespace bulla::cli
