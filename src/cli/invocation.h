#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/api_client.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/redact.h"
#include "cli/settings.h"
#include "cli/value.h"

namespace bulla::cli {

/// The outside world of a command, so that tests can be it.
struct Host {
  Console& console;
  Environment environment;
  ApiClient::Send send;
  ApiClient::Sleep sleep;
  ServerCommand server;
  StoreApi store = {};
  SnapshotTools snapshots = {};
  StorageMigration migrate = {};
};

/// Runs `arguments` (without the program's name) and returns the exit code.
int run(Host& host, const std::vector<std::string>& arguments);

/// One run of one command: what it was given, what it may use, and how it
/// speaks. Everything for standard error goes through the redactor.
class Invocation {
 public:
  Invocation(Host& host, const Command& command, Flags flags,
             std::vector<std::string> arguments, Settings settings,
             Redactor& redactor);
  Invocation(const Invocation&) = delete;
  Invocation& operator=(const Invocation&) = delete;

  Host& host() { return host_; }
  const Command& command() const { return command_; }
  const Flags& flags() const { return flags_; }
  const std::vector<std::string>& arguments() const { return arguments_; }
  /// Argument `i`; "" where there are fewer.
  std::string argument(std::size_t i) const;
  const Settings& settings() const { return settings_; }
  ApiClient& api() { return store_api_ ? *store_api_ : api_; }
  /// From here on api() is answered from the store of a stopped server.
  Result<void> use_store(const std::vector<std::string>& config);

  /// From here on `secret` is hidden in errors.
  void hide(std::string_view secret) { redactor_.add(secret); }
  /// A line typed unseen at the terminal; refuses where -non-interactive is on.
  Result<SecretBytes> ask(std::string_view prompt);

  void out(std::string_view line);
  void warn(std::string_view text);
  /// Prints `line`, unless the output is for a program; exit code 0.
  int done(std::string_view line);
  /// A mistake on this side, and what to try next; exit code 1.
  int refuse(std::string_view message, std::string_view next = "");
  /// A wrong use of the command: points to its help; exit code 1.
  int misuse(std::string_view message);
  /// A call that failed, as `what`; its exit code. A call whose answer was
  /// wrapped did not: its token is printed.
  int fail(std::string_view what, const ApiFailure& failure);
  /// Nothing is there; exit code 2.
  int no_value(std::string_view path, std::string_view next = "");

  /// Whether -format asks for JSON or YAML.
  bool is_structured() const { return settings_.format != "table"; }
  /// Prints `value` as -format and -field say, or else `table`; exit code 0, or
  /// 1 where it has no such field.
  int show(const Value& value, std::string_view table);
  /// Prints an answer of the server as a secret, warnings first.
  int show_secret(const Value& answer);
  /// Prints one value bare: a newline follows only on a terminal.
  int show_raw(const Value& value);

 private:
  void print_structured(const Value& value);
  int missing_field();

  Host& host_;
  const Command& command_;
  Flags flags_;
  std::vector<std::string> arguments_;
  Settings settings_;
  Redactor& redactor_;
  ApiClient api_;
  std::optional<ApiClient> store_api_;
};

}  // namespace bulla::cli
