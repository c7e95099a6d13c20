#include "cli/flags.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/time_format.h"
#include "cli/suggest.h"

namespace bulla::cli {
namespace {

Result<void> check_integer(std::string_view text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && at == end) return {};
  return fail(invalid_argument("takes a whole number such as 5"));
}

Result<void> check_duration(std::string_view text) {
  const auto duration = parse_duration(text);
  if (duration && *duration >= Duration::zero()) return {};
  return fail(invalid_argument("takes a duration such as 30s, 24h or 5d"));
}

Result<void> check_pair(std::string_view text) {
  const auto equals = text.find('=');
  if (equals != std::string_view::npos && equals > 0) return {};
  return fail(invalid_argument("takes KEY=VALUE"));
}

Result<void> check_value(FlagKind kind, std::string_view text) {
  if (kind == FlagKind::kInteger) return check_integer(text);
  if (kind == FlagKind::kDuration) return check_duration(text);
  if (kind == FlagKind::kPairs) return check_pair(text);
  if (kind == FlagKind::kSwitch && !parse_truth(text)) {
    return fail(invalid_argument("takes true or false"));
  }
  return {};
}

// The name in "-name", "--name", "-name=value"; nothing for an argument.
std::optional<std::string_view> flag_name(std::string_view argument) {
  if (argument.size() < 2 || argument.front() != '-') return std::nullopt;
  argument.remove_prefix(argument[1] == '-' ? 2 : 1);
  return argument.substr(0, argument.find('='));
}

bool repeats(FlagKind kind) {
  return kind == FlagKind::kList || kind == FlagKind::kPairs;
}

}  // namespace

std::optional<std::string> variable(const Environment& environment,
                                    std::string_view name) {
  for (const std::string_view prefix : {"BULLA_", "VAULT_"}) {
    auto value = environment(std::string(prefix).append(name));
    if (value && !value->empty()) return value;
  }
  return std::nullopt;
}

std::optional<bool> parse_truth(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kTrue = {
      "1", "t", "T", "true", "TRUE", "True"};
  static constexpr std::array<std::string_view, 6> kFalse = {
      "0", "f", "F", "false", "FALSE", "False"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) {
    return false;
  }
  return std::nullopt;
}

bool Flags::given(std::string_view name) const {
  return values_.find(name) != values_.end();
}

bool Flags::on(std::string_view name) const {
  return given(name) && parse_truth(text(name)).value_or(false);
}

std::string Flags::text(std::string_view name,
                        std::string_view fallback) const {
  const auto& values = list(name);
  return values.empty() ? std::string(fallback) : values.back();
}

std::int64_t Flags::integer(std::string_view name,
                            std::int64_t fallback) const {
  const std::string digits = text(name);
  std::from_chars(digits.data(), digits.data() + digits.size(), fallback);
  return fallback;
}

const std::vector<std::string>& Flags::list(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto found = values_.find(name);
  return found == values_.end() ? kNone : found->second;
}

std::vector<std::pair<std::string, std::string>> Flags::pairs(
    std::string_view name) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& text : list(name)) {
    const auto equals = text.find('=');
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Result<void> Flags::add(const FlagRow& row, std::string value) {
  if (const auto checked = check_value(row.kind, value); !checked) {
    return fail(invalid_argument("-" + std::string(row.name) + " " +
                                 checked.error().message()));
  }
  auto& values = values_[std::string(row.name)];
  if (!repeats(row.kind)) values.clear();
  values.push_back(std::move(value));
  return {};
}

const FlagRow* FlagParser::find(std::string_view name) const {
  if (name.empty()) return nullptr;
  for (const auto rows : {own_, global_}) {
    for (const auto& row : rows) {
      if (row.name == name || row.alias == name) return &row;
    }
  }
  return nullptr;
}

Error FlagParser::unknown(std::string_view name) const {
  std::vector<std::string> known;
  for (const auto rows : {own_, global_}) {
    for (const auto& row : rows) known.emplace_back(row.name);
  }
  const std::string near = nearest(name, known);
  std::string message = "unknown flag -" + std::string(name);
  if (!near.empty()) message += "; did you mean -" + near + "?";
  return invalid_argument(message);
}

Result<std::size_t> FlagParser::take(std::span<const std::string> arguments,
                                     std::size_t at, Flags& flags) const {
  const std::string_view argument = arguments[at];
  const auto name = flag_name(argument);
  if (!name) return std::size_t{0};
  const FlagRow* const row = find(*name);
  if (row == nullptr) return fail(unknown(*name));
  const auto equals = argument.find('=');
  if (equals != std::string_view::npos) {
    TRY(flags.add(*row, std::string(argument.substr(equals + 1))));
    return std::size_t{1};
  }
  if (row->kind == FlagKind::kSwitch) {
    TRY(flags.add(*row, "true"));
    return std::size_t{1};
  }
  if (at + 1 >= arguments.size()) {
    return fail(invalid_argument("-" + std::string(*name) + " needs a value"));
  }
  TRY(flags.add(*row, arguments[at + 1]));
  return std::size_t{2};
}

Result<void> FlagParser::add_environment(const Environment& environment,
                                         Flags& flags) const {
  for (const auto rows : {own_, global_}) {
    for (const auto& row : rows) {
      if (row.variable.empty() || flags.given(row.name)) continue;
      auto value = variable(environment, row.variable);
      if (!value) continue;
      if (auto added = flags.add(row, *std::move(value)); !added) {
        return fail(std::move(added).error().with_context(
            "BULLA_" + std::string(row.variable) + " (or VAULT_" +
            std::string(row.variable) + ") in the environment"));
      }
    }
  }
  return {};
}

}  // namespace bulla::cli
