#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::cli {

/// The three streams of a command, and its terminal. One thread.
class Console {
 public:
  static constexpr std::size_t kInputBytesMax = std::size_t{32} << 20;
  static constexpr std::size_t kSecretBytesMax = std::size_t{64} << 10;

  virtual ~Console() = default;

  virtual void out(std::string_view text) = 0;
  virtual void err(std::string_view text) = 0;
  virtual bool out_is_terminal() const = 0;
  virtual bool err_is_terminal() const = 0;

  /// All of standard input.
  ///   kTooLarge     more than kInputBytesMax.
  ///   kUnavailable  it cannot be read.
  virtual Result<std::string> read_input() = 0;

  /// One line typed at the terminal, not echoed, without its newline. Echo
  /// comes back also where a signal ends the wait.
  ///   kUnavailable  there is no terminal, or it was closed.
  virtual Result<SecretBytes> prompt_hidden(std::string_view prompt) = 0;
};

/// The console of this process.
class ProcessConsole : public Console {
 public:
  void out(std::string_view text) override;
  void err(std::string_view text) override;
  bool out_is_terminal() const override;
  bool err_is_terminal() const override;
  Result<std::string> read_input() override;
  Result<SecretBytes> prompt_hidden(std::string_view prompt) override;
};

}  // namespace bulla::cli
