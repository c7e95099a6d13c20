#include "engine/transit/backup_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "crypto/decimal.h"

namespace bulla::engine::transit {
namespace {

// What fits 64 bits certainly.
constexpr std::size_t kPlainDigitsMax = 18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The end of the string that starts at `at`, past its quotation mark.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (std::size_t i = at + 1; i < json.size(); ++i) {
    if (json[i] == '\\') {
      ++i;
    } else if (json[i] == '"') {
      return i + 1;
    }
  }
  return json.size();
}

}  // namespace

SecretBytes quote_long_numbers(std::string_view json) {
  // At most two marks for each number, and every number has many digits.
  SecretBytes out(json.size() + json.size() / kPlainDigitsMax * 2 + 2);
  char* const begin = reinterpret_cast<char*>(out.expose_mutable().data());
  char* to = begin;
  const auto copy = [&](std::size_t from, std::size_t until) {
    to = std::copy(json.begin() + static_cast<std::ptrdiff_t>(from),
                   json.begin() + static_cast<std::ptrdiff_t>(until), to);
  };
  for (std::size_t i = 0; i < json.size();) {
    if (json[i] == '"') {
      const std::size_t end = end_of_string(json, i);
      copy(i, end);
      i = end;
      continue;
    }
    std::size_t end = i;
    while (end < json.size() && is_digit(json[end])) ++end;
    const bool quoted = end - i > kPlainDigitsMax;
    if (quoted) *to++ = '"';
    copy(i, std::max(end, i + 1));
    if (quoted) *to++ = '"';
    i = std::max(end, i + 1);
  }
  return SecretBytes::copy_of(
      out.expose().first(static_cast<std::size_t>(to - begin)));
}

std::optional<JsonElement> BackupObject::find(std::string_view name) const {
  std::optional<JsonElement> found;
  for (const auto [key, value] : object_) {
    if (key.size() != name.size() ||
        !std::ranges::equal(
            key, name, [](char a, char b) { return lower(a) == lower(b); })) {
      continue;
    }
    if (!value.is_null()) found = value;
    if (key == name) break;  // the very name goes before its likes
  }
  return found;
}

void BackupObject::fault(std::string_view name) {
  if (fault_.empty()) fault_ = fmt::format("bad member \"{}\"", name);
}

Result<void> BackupObject::finish() const {
  if (fault_.empty()) return {};
  return fail(internal_error(fault_));
}

std::optional<BackupObject> BackupObject::object(std::string_view name) {
  const auto value = find(name);
  if (!value) return std::nullopt;
  JsonObject inner;
  if (value->get_object().get(inner) == simdjson::SUCCESS) {
    return BackupObject(inner);
  }
  fault(name);
  return std::nullopt;
}

std::string_view BackupObject::text(std::string_view name) {
  std::string_view text;
  const auto value = find(name);
  if (value && value->get_string().get(text) != simdjson::SUCCESS) fault(name);
  return text;
}

bool BackupObject::boolean(std::string_view name) {
  bool flag = false;
  const auto value = find(name);
  if (value && value->get_bool().get(flag) != simdjson::SUCCESS) fault(name);
  return flag;
}

std::int64_t BackupObject::integer(std::string_view name) {
  std::int64_t number = 0;
  const auto value = find(name);
  if (value && value->get_int64().get(number) != simdjson::SUCCESS) fault(name);
  return number;
}

SecretBytes BackupObject::bytes(std::string_view name) {
  const std::string_view encoded = text(name);
  if (encoded.empty()) return {};
  SecretBytes out(base64_decoded_max(encoded.size()));
  const auto size = base64_decode_to(encoded, out.expose_mutable().data());
  if (!size) {
    fault(name);
    return {};
  }
  return SecretBytes::copy_of(out.expose().first(*size));
}

Result<SecretBytes> BackupObject::number_of(const JsonElement& element) {
  std::string_view digits;
  if (element.get_string().get(digits) == simdjson::SUCCESS) {
    return crypto::from_decimal(digits);
  }
  std::uint64_t small = 0;
  if (element.get_uint64().get(small) == simdjson::SUCCESS) {
    return crypto::from_decimal(fmt::format_int(small).str());
  }
  return fail(invalid_argument("not a whole number"));
}

SecretBytes BackupObject::number(std::string_view name) {
  const auto value = find(name);
  if (!value) return {};
  auto number = number_of(*value);
  if (number) return *std::move(number);
  fault(name);
  return {};
}

}  // namespace bulla::engine::transit
