#include "engine/kv/data_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "base/json_writer.h"

namespace bulla::engine::kv {
namespace {

using Members = std::map<std::string_view, JsonElement>;

Members members_of(const JsonObject& object) {
  Members members;
  for (const auto [name, value] : object) members.insert_or_assign(name, value);
  return members;
}

// As Go prints a float64 in JSON: the shortest digits that name it, with an
// exponent only where it is below -6 or above 20.
std::string go_double(double number) {
  if (number == 0) return std::signbit(number) ? "-0" : "0";
  std::array<char, 400> text;
  const double size = std::abs(number);
  if (size < 1e-6 || size >= 1e21) {
    const auto end = std::to_chars(text.data(), text.data() + text.size(),
                                   number, std::chars_format::scientific);
    std::string out(text.data(), end.ptr);
    // "1e-07" is "1e-7" there.
    const std::size_t e = out.find("e-0");
    if (e != std::string::npos) out.erase(e + 2, 1);
    return out;
  }
  const auto shortest = std::to_chars(text.data(), text.data() + text.size(),
                                      number, std::chars_format::scientific);
  const std::string_view digits(
      text.data(), static_cast<std::size_t>(shortest.ptr - text.data()));
  const std::size_t e = digits.find('e');
  int exponent = 0;
  const std::size_t sign = digits[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(digits.data() + sign, digits.data() + digits.size(),
                  exponent);
  std::string mantissa;
  for (const char c : digits.substr(0, e)) {
    if (c >= '0' && c <= '9') mantissa += c;
  }
  std::string out(number < 0 ? "-" : "");
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    return out + mantissa;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (mantissa.size() <= whole) {
    mantissa.append(whole - mantissa.size(), '0');
    return out + mantissa;
  }
  return out + mantissa.substr(0, whole) + '.' + mantissa.substr(whole);
}

void write_number(JsonWriter& out, const JsonElement& element,
                  Numbers numbers) {
  // is_double() is true of whatever can be read as one.
  if (numbers == Numbers::kAsTheyAre && element.type() != JsonType::DOUBLE) {
    out.raw(json_text(element));
    return;
  }
  out.raw(go_double(element.get_double().value_unsafe()));
}

void write_stored(JsonWriter& out, const JsonElement& element, Numbers numbers);

void write_stored(JsonWriter& out, const JsonObject& object, Numbers numbers) {
  out.begin_object();
  for (const auto& [name, value] : members_of(object)) {
    out.key(name);
    write_stored(out, value, numbers);
  }
  out.end_object();
}

void write_stored(JsonWriter& out, const JsonElement& element,
                  Numbers numbers) {
  switch (element.type()) {
    case JsonType::OBJECT:
      write_stored(out, element.get_object().value_unsafe(), numbers);
      return;
    case JsonType::ARRAY:
      out.begin_array();
      for (const JsonElement item : JsonArray(element)) {
        write_stored(out, item, numbers);
      }
      out.end_array();
      return;
    case JsonType::INT64:
    case JsonType::UINT64:
    case JsonType::DOUBLE:
      write_number(out, element, numbers);
      return;
    default:
      out.raw(json_text(element));
  }
}

void write_merged(JsonWriter& out, const Members& data,
                  const JsonObject& patch) {
  struct Sides {
    std::optional<JsonElement> old;
    std::optional<JsonElement> wanted;
  };
  std::map<std::string_view, Sides> all;
  for (const auto& [name, value] : data) all[name].old = value;
  for (const auto [name, value] : patch) all[name].wanted = value;
  out.begin_object();
  for (const auto& [name, sides] : all) {
    if (sides.wanted && sides.wanted->is_null()) continue;
    out.key(name);
    if (!sides.wanted) {
      write_stored(out, *sides.old, Numbers::kAsDoubles);
    } else if (sides.wanted->is_object()) {
      const bool into = sides.old && sides.old->is_object();
      write_merged(
          out,
          into ? members_of(sides.old->get_object().value_unsafe()) : Members(),
          sides.wanted->get_object().value_unsafe());
    } else {
      write_stored(out, *sides.wanted, Numbers::kAsDoubles);
    }
  }
  out.end_object();
}

void write_subkeys(JsonWriter& out, const JsonObject& data,
                   std::int64_t depth) {
  out.begin_object();
  for (const auto [name, value] : data) {
    out.key(name);
    if (depth == 1 || !value.is_object() ||
        value.get_object().value_unsafe().size() == 0) {
      out.null();
    } else {
      write_subkeys(out, value.get_object().value_unsafe(), depth - 1);
    }
  }
  out.end_object();
}

}  // namespace

std::string stored_json(const JsonObject& object, Numbers numbers) {
  std::string text;
  JsonWriter out(text);
  write_stored(out, object, numbers);
  return text;
}

std::string merged_json(const JsonObject& data, const JsonObject& patch) {
  std::string text;
  JsonWriter out(text);
  write_merged(out, members_of(data), patch);
  return text;
}

std::string subkeys_json(const JsonObject& data, std::int64_t depth) {
  constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
  std::string text;
  JsonWriter out(text);
  write_subkeys(out, data, depth == 0 ? kNoLimit : depth < 0 ? 1 : depth);
  return text;
}

Result<JsonObject> parse_stored(JsonParser& parser, std::string_view text) {
  // Whoever wrote it was held to the limits of a listener, which may differ.
  constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
  constexpr std::size_t kDepthMax = 10'000;
  const JsonLimits limits{.depth = kDepthMax,
                          .string_bytes = kAny,
                          .object_entries = kAny,
                          .array_elements = kAny,
                          .memory_bytes = kAny,
                          .strings = kAny};
  const auto root = parse_json(parser, text, limits);
  if (!root || !root->is_object()) {
    return fail(corrupt("the stored data is no JSON object"));
  }
  return root->get_object().value_unsafe();
}

}  // namespace bulla::engine::kv
