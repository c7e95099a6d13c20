#include "audit/redact.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "base/time_format.h"

namespace bulla::audit {
namespace {

constexpr std::string_view kHashPrefix = "hmac-sha256:";
// "2006-01-02T15:04:05Z" and "2006-01-02T15:04:05.999999999+07:00".
constexpr std::size_t kTimeCharsMin = 20;
constexpr std::size_t kTimeCharsMax = 35;

// The shape is looked at first, so that hardly any other string is parsed.
bool is_timestamp(std::string_view text) {
  if (text.size() < kTimeCharsMin || text.size() > kTimeCharsMax) return false;
  if (text[4] != '-' || text[10] != 'T') return false;
  return parse_rfc3339(text).has_value();
}

template <typename Number>
void append_number(std::string& out, Number number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

// How many things an elided member holds; absent for other types.
std::optional<std::size_t> elided_size(std::string_view key,
                                       const JsonElement& element) {
  if (key != "keys" && key != "key_info") return std::nullopt;
  std::size_t count = 0;
  if (element.is_array()) {
    for ([[maybe_unused]] const JsonElement item : JsonArray(element)) ++count;
    return count;
  }
  if (!element.is_object()) return std::nullopt;
  for ([[maybe_unused]] const auto member : JsonObject(element)) ++count;
  return count;
}

}  // namespace

ValueHasher::ValueHasher(std::string_view salt)
    : hmac_(crypto::HashAlgorithm::kSha2_256, as_bytes(salt)) {}

void ValueHasher::append(std::string& out, std::string_view value) const {
  const crypto::Digest digest = hmac_.sign(as_bytes(value));
  std::array<char, 2 * crypto::kSha256Bytes> text;
  hex_format({digest.bytes.data(), crypto::kSha256Bytes}, text.data());
  out.append(kHashPrefix);
  out.append(text.data(), text.size());
}

std::string ValueHasher::hash(std::string_view value) const {
  std::string out;
  append(out, value);
  return out;
}

bool Redactor::is_plain(std::string_view text, std::string_view key) const {
  if (raw_ || is_timestamp(text)) return true;
  return !exempt_.empty() &&
         std::find(exempt_.begin(), exempt_.end(), key) != exempt_.end();
}

void Redactor::append_string(std::string& out, std::string_view text,
                             std::string_view key) const {
  if (is_plain(text, key)) {
    append_json_string(out, text);
    return;
  }
  out += '"';
  hasher_.append(out, text);
  out += '"';
}

void Redactor::append(std::string& out, const JsonElement& element,
                      std::string_view key) const {
  switch (element.type()) {
    case JsonType::STRING:
      append_string(out, element.get_string().value_unsafe(), key);
      return;
    case JsonType::OBJECT:
      append(out, element.get_object().value_unsafe());
      return;
    case JsonType::ARRAY: {
      char before = '[';
      for (const JsonElement item : JsonArray(element)) {
        out += before;
        append(out, item, key);
        before = ',';
      }
      if (before == '[') out += '[';
      out += ']';
      return;
    }
    case JsonType::INT64:
      append_number(out, element.get_int64().value_unsafe());
      return;
    case JsonType::UINT64:
      append_number(out, element.get_uint64().value_unsafe());
      return;
    case JsonType::DOUBLE:
      out += json_text(element);
      return;
    case JsonType::BOOL:
      out += element.get_bool().value_unsafe() ? "true" : "false";
      return;
    case JsonType::NULL_VALUE:
      out += "null";
      return;
  }
}

void Redactor::append(std::string& out, const JsonObject& object) const {
  char before = '{';
  for (const auto member : object) {
    out += before;
    append_json_string(out, member.key);
    out += ':';
    append(out, member.value, member.key);
    before = ',';
  }
  if (before == '{') out += '{';
  out += '}';
}

void Redactor::append_elided(std::string& out, const JsonObject& object) const {
  char before = '{';
  for (const auto member : object) {
    out += before;
    append_json_string(out, member.key);
    out += ':';
    const auto size = elided_size(member.key, member.value);
    if (size) append_number(out, *size);
    if (!size) append(out, member.value, member.key);
    before = ',';
  }
  if (before == '{') out += '{';
  out += '}';
}

}  // namespace bulla::audit
