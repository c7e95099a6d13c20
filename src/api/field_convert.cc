#include "api/field_convert.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

#include "api/field.h"
#include "base/time_format.h"

namespace bulla::api {
namespace {

// What a count of nanoseconds holds: 292 years.
constexpr std::int64_t kSecondsMax =
    std::numeric_limits<std::int64_t>::max() / 1'000'000'000;

std::string_view type_name(JsonType type) {
  switch (type) {
    case JsonType::ARRAY:
      return "an array";
    case JsonType::OBJECT:
      return "an object";
    case JsonType::INT64:
    case JsonType::UINT64:
    case JsonType::DOUBLE:
      return "a number";
    case JsonType::STRING:
      return "a string";
    case JsonType::BOOL:
      return "a boolean";
    case JsonType::NULL_VALUE:
      return "null";
  }
  return "something else";
}

std::string_view string_of(const JsonElement& element) {
  return element.get_string().value_unsafe();
}

Result<Seconds> bounded_seconds(std::int64_t seconds, bool allow_negative) {
  if (seconds < 0 && !allow_negative) {
    return fail(invalid_argument(
        fmt::format("cannot provide negative value '{}'", seconds)));
  }
  if (seconds > kSecondsMax || seconds < -kSecondsMax) {
    return fail(invalid_argument("duration out of range"));
  }
  return Seconds(seconds);
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The base that Go's ParseInt(…, 0, …) reads off a prefix, which is removed.
int take_base(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  const char mark = digits[1] | 0x20;
  if (mark == 'x' || mark == 'b' || mark == 'o') {
    digits.remove_prefix(2);
    return mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
  }
  digits.remove_prefix(1);
  return 8;
}

// "[…]" in a comma slice is a JSON array written as a string.
Result<std::vector<std::string>> json_array_text(std::string_view text) {
  JsonParser parser;
  TRY_ASSIGN(const JsonElement root, parse_json(parser, text));
  return json_to_strings(root, false);
}

}  // namespace

Error expected(std::string_view what, const JsonElement& got) {
  return invalid_argument(
      fmt::format("expected {}, got {}", what, type_name(got.type())));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

std::vector<std::string> split_commas(std::string_view text) {
  text = trimmed(text);
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    out.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) out.emplace_back();
  }
  return out;
}

Result<std::int64_t> text_to_int(std::string_view text) {
  if (text.empty()) return 0;
  std::string_view digits = text;
  const bool negative = digits[0] == '-';
  if (negative || digits[0] == '+') digits.remove_prefix(1);
  const int base = take_base(digits);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(
      digits.data(), digits.data() + digits.size(), value, base);
  const std::uint64_t limit =
      std::uint64_t{std::numeric_limits<std::int64_t>::max()} +
      (negative ? 1U : 0U);
  if (digits.empty() || error != std::errc() ||
      end != digits.data() + digits.size() || value > limit) {
    return fail(invalid_argument("expected an integer"));
  }
  return static_cast<std::int64_t>(negative ? ~value + 1 : value);
}

Result<bool> text_to_bool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no :
       {"", "0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return fail(invalid_argument("expected a boolean"));
}

Result<Seconds> text_to_duration(std::string_view text, bool allow_negative) {
  if (text.empty()) return Seconds{0};
  const std::string_view digits =
      text[0] == '-' || text[0] == '+' ? text.substr(1) : text;
  if (all_digits(digits)) {
    std::int64_t seconds = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      return fail(invalid_argument("duration out of range"));
    }
    return bounded_seconds(text[0] == '-' ? -seconds : seconds, allow_negative);
  }
  const auto parsed = parse_duration(text);
  if (!parsed) return fail(invalid_argument("expected a duration"));
  if (*parsed < Duration{0} && !allow_negative) {
    return fail(invalid_argument(
        fmt::format("cannot provide negative value '{}'", text)));
  }
  return std::chrono::duration_cast<Seconds>(*parsed);
}

Result<Time> text_to_time(std::string_view text) {
  if (all_digits(text)) {
    TRY_ASSIGN(const Seconds since, text_to_duration(text, false));
    return Time(since);
  }
  auto parsed = parse_rfc3339(text);
  if (!parsed) return fail(invalid_argument("expected a time"));
  return parsed;
}

Result<std::vector<std::int64_t>> text_to_ints(std::string_view text) {
  std::vector<std::int64_t> out;
  for (const std::string& part : split_commas(text)) {
    if (part.empty()) return fail(invalid_argument("expected an integer"));
    TRY_ASSIGN(const std::int64_t value, text_to_int(part));
    out.push_back(value);
  }
  return out;
}

Result<std::pair<std::string, std::string>> text_to_pair(
    std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return fail(invalid_argument("invalid key pair: expected key=value"));
  }
  return std::pair(std::string(text.substr(0, equals)),
                   std::string(text.substr(equals + 1)));
}

Result<std::int64_t> json_to_int(const JsonElement& element) {
  switch (element.type()) {
    case JsonType::INT64:
      return element.get_int64().value_unsafe();
    case JsonType::BOOL:
      return element.get_bool().value_unsafe() ? 1 : 0;
    case JsonType::STRING:
      return text_to_int(string_of(element));
    case JsonType::NULL_VALUE:
      return 0;
    default:
      return fail(invalid_argument("expected a 64-bit integer"));
  }
}

Result<bool> json_to_bool(const JsonElement& element) {
  switch (element.type()) {
    case JsonType::BOOL:
      return element.get_bool().value_unsafe();
    case JsonType::INT64: {
      const std::int64_t number = element.get_int64().value_unsafe();
      if (number == 0 || number == 1) return number == 1;
      return fail(expected("a boolean", element));
    }
    case JsonType::STRING:
      return text_to_bool(string_of(element));
    case JsonType::NULL_VALUE:
      return false;
    default:
      return fail(expected("a boolean", element));
  }
}

Result<std::string> json_to_string(const JsonElement& element) {
  switch (element.type()) {
    case JsonType::STRING:
      return std::string(string_of(element));
    case JsonType::BOOL:
      return std::string(element.get_bool().value_unsafe() ? "1" : "0");
    case JsonType::NULL_VALUE:
      return std::string();
    case JsonType::ARRAY:
    case JsonType::OBJECT:
      break;
    default:
      return json_text(element);
  }
  return fail(expected("a string", element));
}

Result<Seconds> json_to_duration(const JsonElement& element,
                                 bool allow_negative) {
  switch (element.type()) {
    case JsonType::INT64:
      return bounded_seconds(element.get_int64().value_unsafe(),
                             allow_negative);
    case JsonType::DOUBLE: {
      const double seconds = element.get_double().value_unsafe();
      if (!(seconds < 9e9 && seconds > -9e9)) break;
      return bounded_seconds(static_cast<std::int64_t>(seconds),
                             allow_negative);
    }
    case JsonType::STRING:
      return text_to_duration(string_of(element), allow_negative);
    case JsonType::NULL_VALUE:
      return Seconds{0};
    default:
      break;
  }
  return fail(invalid_argument("expected a duration"));
}

Result<std::vector<std::string>> json_to_strings(const JsonElement& element,
                                                 bool commas) {
  if (element.is_null()) return std::vector<std::string>{};
  if (element.is_string() && commas) {
    const std::string_view text = trimmed(string_of(element));
    if (text.starts_with('[')) {
      if (auto parsed = json_array_text(text)) return parsed;
    }
    return split_commas(text);
  }
  std::vector<std::string> out;
  if (element.is_string() && string_of(element).empty()) return out;
  if (!element.is_array()) {
    TRY_ASSIGN(std::string single, json_to_string(element));
    out.push_back(std::move(single));
    return out;
  }
  for (const JsonElement item : JsonArray(element)) {
    if (item.is_array()) return fail(expected("a string", item));
    TRY_ASSIGN(std::string text, json_to_string(item));
    out.push_back(commas ? std::string(trimmed(text)) : std::move(text));
  }
  return out;
}

Result<std::vector<std::int64_t>> json_to_ints(const JsonElement& element) {
  if (element.is_string()) return text_to_ints(string_of(element));
  std::vector<std::int64_t> out;
  if (!element.is_array()) {
    TRY_ASSIGN(const std::int64_t single, json_to_int(element));
    out.push_back(single);
    return out;
  }
  for (const JsonElement item : JsonArray(element)) {
    TRY_ASSIGN(const std::int64_t value, json_to_int(item));
    out.push_back(value);
  }
  return out;
}

Result<KvPairs> json_to_pairs(const JsonElement& element) {
  KvPairs out;
  if (element.is_object()) {
    for (const auto member : JsonObject(element)) {
      if (member.value.is_array()) {
        return fail(expected("a string", member.value));
      }
      TRY_ASSIGN(std::string value, json_to_string(member.value));
      out.emplace_back(std::string(member.key), std::move(value));
    }
    return out;
  }
  TRY_ASSIGN(const std::vector<std::string> texts,
             json_to_strings(element, false));
  if (element.is_string() && texts.empty()) {
    return fail(expected("a map", element));
  }
  for (const std::string& text : texts) {
    TRY_ASSIGN(auto pair, text_to_pair(text));
    out.push_back(std::move(pair));
  }
  return out;
}

Result<Time> json_to_time(const JsonElement& element) {
  if (element.is_string()) return text_to_time(string_of(element));
  if (!element.is_int64()) return fail(expected("a time", element));
  TRY_ASSIGN(const Seconds since,
             bounded_seconds(element.get_int64().value_unsafe(), false));
  return Time(since);
}

}  // namespace bulla::api
