#include "cli/hidden_input.h"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/bytes.h"

namespace bulla::cli {
namespace {

constexpr std::array<int, 4> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

// A signal handler reaches nothing but globals.
termios saved_terminal;
int saved_descriptor = -1;

extern "C" void restore_and_die(int signal_number) {
  ::tcsetattr(saved_descriptor, TCSAFLUSH, &saved_terminal);
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

// Echo is off, and signals put it back, as long as one of these lives.
class EchoOff {
 public:
  explicit EchoOff(int descriptor) {
    if (::tcgetattr(descriptor, &saved_terminal) != 0) return;
    saved_descriptor = descriptor;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction action {};
      action.sa_handler = restore_and_die;
      ::sigaction(kSignals[i], &action, &previous_[i]);
    }
    termios quiet = saved_terminal;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ICANON;
    works_ = ::tcsetattr(descriptor, TCSAFLUSH, &quiet) == 0;
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  ~EchoOff() {
    if (saved_descriptor < 0) return;
    ::tcsetattr(saved_descriptor, TCSAFLUSH, &saved_terminal);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      ::sigaction(kSignals[i], &previous_[i], nullptr);
    }
    saved_descriptor = -1;
  }

  bool works() const { return works_; }

 private:
  std::array<struct sigaction, kSignals.size()> previous_{};
  bool works_ = false;
};

}  // namespace

Result<SecretBytes> read_hidden_line(int descriptor, std::size_t bytes_max) {
  const EchoOff echo_off(descriptor);
  if (!echo_off.works()) return fail(unavailable("no terminal to ask on"));
  SecretBytes line(bytes_max);
  std::size_t used = 0;
  for (;;) {
    const ByteSpan room = line.expose_mutable().subspan(used);
    if (room.empty()) return fail(ErrorCode::kTooLarge, "the line is too long");
    const ssize_t n = ::read(descriptor, room.data(), 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(unavailable(std::strerror(errno)));
    if (n == 0) return fail(unavailable("the terminal was closed"));
    if (room[0] == '\n') break;
    ++used;
  }
  return SecretBytes::copy_of(line.expose().first(used));
}

}  // namespace bulla::cli
