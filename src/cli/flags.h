#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bulla::cli {

enum class FlagKind : std::uint8_t {
  kSwitch,    ///< -dev, -dev=false
  kText,      ///< -address=…
  kList,      ///< Repeatable: -policy=a -policy=b
  kPairs,     ///< Repeatable key=value: -metadata=a=b
  kInteger,   ///< A whole number, not negative.
  kDuration,  ///< 30, 30s, 1h30m, 5d
};

/// One flag, one row: what parses it, documents it and completes it.
struct FlagRow {
  std::string_view name;   ///< Without dashes.
  std::string_view alias;  ///< A second name; "" for none.
  FlagKind kind;
  std::string_view placeholder;  ///< What the help names the value: "URL".
  std::string_view help;
  /// The environment variable's name after BULLA_ and VAULT_; "" for none.
  std::string_view variable = "";
};

/// Reads an environment variable.
using Environment =
    std::function<std::optional<std::string>(const std::string& name)>;

/// BULLA_`name`, else VAULT_`name`; empty ones count as absent.
std::optional<std::string> variable(const Environment& environment,
                                    std::string_view name);

/// "1", "true", "T", …: the truth values that Vault's flags take.
std::optional<bool> parse_truth(std::string_view text);

/// The values of flags, each checked against its kind.
class Flags {
 public:
  bool given(std::string_view name) const;
  bool on(std::string_view name) const;
  std::string text(std::string_view name, std::string_view fallback = "") const;
  std::int64_t integer(std::string_view name, std::int64_t fallback = 0) const;
  /// Every value in order, not split at commas.
  const std::vector<std::string>& list(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> pairs(
      std::string_view name) const;

  /// Adds a value of `row`; of kinds that do not repeat the last one stands.
  ///   kInvalidArgument  not of the row's kind; the value is not quoted.
  Result<void> add(const FlagRow& row, std::string value);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// Parses Vault's flags, which may stand anywhere: -name=value, -name value,
/// --name…, -switch; "--" ends them, "-" alone is an argument. (Why not CLI11:
/// docs/adr/0004-command-line-flags.md.)
class FlagParser {
 public:
  FlagParser(std::span<const FlagRow> global, std::span<const FlagRow> own)
      : global_(global), own_(own) {}

  /// Takes the flag at `arguments[at]`, with its value where that stands apart,
  /// and returns how many arguments that were; 0 when none stands there.
  ///   kInvalidArgument  an unknown flag (with the nearest known one), a flag
  ///                     without its value, or a value not of its kind.
  Result<std::size_t> take(std::span<const std::string> arguments,
                           std::size_t at, Flags& flags) const;

  /// Gives the flags that were not given their values from the environment.
  ///   kInvalidArgument  a variable's value is not of the flag's kind.
  Result<void> add_environment(const Environment& environment,
                               Flags& flags) const;

 private:
  const FlagRow* find(std::string_view name) const;
  Error unknown(std::string_view name) const;

  std::span<const FlagRow> global_;
  std::span<const FlagRow> own_;
};

}  // namespace bulla::cli
