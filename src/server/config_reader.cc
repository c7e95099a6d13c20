#include "server/config_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "base/time_format.h"

namespace bulla::server {
namespace {

// A century: far from where the arithmetic of expiry could overflow.
constexpr Seconds kDurationMax{std::int64_t{100} * 365 * 24 * 3600};

constexpr std::size_t kKeyShownMax = 64;

std::optional<bool> bool_of(std::string_view text) {
  static constexpr std::string_view kTrue[] = {"1",    "t",    "T",
                                               "true", "TRUE", "True"};
  static constexpr std::string_view kFalse[] = {"0",     "f",     "F",
                                                "false", "FALSE", "False"};
  if (std::ranges::find(kTrue, text) != std::end(kTrue)) return true;
  if (std::ranges::find(kFalse, text) != std::end(kFalse)) return false;
  return std::nullopt;
}

std::optional<std::int64_t> int_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// 0x10 and 1e3, as HCL writes numbers.
std::optional<std::int64_t> int_of(const HclValue::Number& number) {
  if (const auto plain = int_of(number.text)) return plain;
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::trunc(number.value) != number.value) return std::nullopt;
  if (std::fabs(number.value) > kExact) return std::nullopt;
  return static_cast<std::int64_t>(number.value);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t swap = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, swap});
    }
  }
  return row.back();
}

}  // namespace

Error ConfigSource::error_at(int line, std::string_view what) const {
  return invalid_argument(fmt::format("{}:{}: {}", file_, line, what));
}

Error ConfigSource::error(const HclItem& item, std::string_view what) const {
  return error_at(
      item.line, fmt::format("{}: {}", item.key.substr(0, kKeyShownMax), what));
}

// What the value is stays out of these messages: it may be a secret that
// landed under the wrong key.
Result<void> ConfigSource::read(const HclItem& item, std::string& out) const {
  if (item.value->list() != nullptr || item.value->object() != nullptr) {
    return fail(error(item, "expected a string"));
  }
  out = item.value->scalar_text();
  return {};
}

Result<void> ConfigSource::read(const HclItem& item, bool& out) const {
  const auto value = bool_of(item.value->scalar_text());
  if (!value) return fail(error(item, "expected true or false"));
  out = *value;
  return {};
}

Result<std::int64_t> ConfigSource::whole(const HclItem& item,
                                         std::int64_t least,
                                         std::int64_t most) const {
  std::optional<std::int64_t> value;
  if (const auto* number = item.value->number()) value = int_of(*number);
  if (const auto* text = item.value->string()) value = int_of(*text);
  if (!value) return fail(error(item, "expected a whole number"));
  if (*value < least || *value > most) {
    return fail(error(
        item, fmt::format("expected a number from {} to {}", least, most)));
  }
  return *value;
}

Result<void> ConfigSource::read(const HclItem& item, std::int64_t& out) const {
  using Limits = std::numeric_limits<std::int64_t>;
  TRY_ASSIGN(out, whole(item, Limits::min(), Limits::max()));
  return {};
}

Result<void> ConfigSource::read(const HclItem& item, std::size_t& out) const {
  TRY_ASSIGN(const std::int64_t value,
             whole(item, 0, std::numeric_limits<std::int64_t>::max()));
  out = static_cast<std::size_t>(value);
  return {};
}

Result<void> ConfigSource::read(const HclItem& item, unsigned& out) const {
  TRY_ASSIGN(const std::int64_t value, whole(item, 0, 1024));
  out = static_cast<unsigned>(value);
  return {};
}

Result<void> ConfigSource::read(const HclItem& item, int& out) const {
  using Limits = std::numeric_limits<int>;
  TRY_ASSIGN(const std::int64_t value,
             whole(item, Limits::min(), Limits::max()));
  out = static_cast<int>(value);
  return {};
}

Result<void> ConfigSource::read(const HclItem& item, Seconds& out) const {
  const auto parsed = parse_duration(item.value->scalar_text());
  if (!parsed || item.value->boolean() != nullptr) {
    return fail(error(item,
                      "expected a duration: a number of seconds, or text like "
                      "\"30s\", \"15m\", \"768h\""));
  }
  if (*parsed < Duration{0} || *parsed > kDurationMax) {
    return fail(error(item, "expected a duration from 0 to 876000h"));
  }
  out = std::chrono::ceil<Seconds>(*parsed);
  return {};
}

Result<void> ConfigSource::read(const HclItem& item,
                                std::optional<Seconds>& out) const {
  Seconds value{0};
  TRY(read(item, value));
  out = value;
  return {};
}

std::string unknown_key(std::span<const std::string_view> known,
                        std::string_view word) {
  std::string_view closest;
  std::size_t least = std::min<std::size_t>(3, word.size() / 3) + 1;
  for (const std::string_view name : known) {
    if (word.size() > kKeyShownMax) break;
    const std::size_t distance = edit_distance(name, word);
    if (distance >= least) continue;
    least = distance;
    closest = name;
  }
  if (closest.empty()) return "unknown key";
  return fmt::format("unknown key; did you mean \"{}\"?", closest);
}

Result<std::vector<const HclObject*>> plain_blocks(const ConfigSource& source,
                                                   const HclItem& item) {
  std::vector<const HclObject*> found;
  if (const auto* object = item.value->object()) found.push_back(object);
  if (const auto* list = item.value->list()) {
    for (const HclValue& value : list->values) {
      if (value.object() == nullptr) {
        return fail(source.error(item, "expected a block { … }"));
      }
      found.push_back(value.object());
    }
  }
  if (found.empty() || !item.labels.empty()) {
    return fail(source.error(item, "expected a block { … }"));
  }
  return found;
}

Result<std::vector<ConfigBlock>> labelled_blocks(const ConfigSource& source,
                                                 const HclItem& item) {
  const auto* body = item.value->object();
  if (item.labels.size() == 1 && body != nullptr) {
    return std::vector{ConfigBlock{item.labels.front(), body, item.line}};
  }
  const auto shape = fmt::format("expected {} \"TYPE\" {{ … }}", item.key);
  if (!item.labels.empty()) return fail(source.error(item, shape));
  std::vector<ConfigBlock> found;
  TRY_ASSIGN(const auto outer, plain_blocks(source, item));
  for (const HclObject* object : outer) {
    for (const HclItem& inner : object->items) {
      const auto bodies = plain_blocks(source, inner);
      if (!bodies) return fail(source.error(item, shape));
      for (const HclObject* each : *bodies) {
        found.push_back({inner.key, each, inner.line});
      }
    }
  }
  return found;
}

}  // namespace bulla::server
