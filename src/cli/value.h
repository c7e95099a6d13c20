#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulla::cli {

/// JSON as the command line handles it: numbers keep the text they came with,
/// members keep their order. Deeper than kDepthMax is refused.
struct Value {
  enum class Kind : std::uint8_t {
    kNull,
    kBoolean,
    kNumber,
    kString,
    kArray,
    kObject,
  };
  static constexpr int kDepthMax = 300;

  Kind kind = Kind::kNull;
  bool flag = false;
  std::string text;               ///< Of a string, or a number as written.
  std::vector<std::string> keys;  ///< Of an object, one beside each item.
  std::vector<Value> items;

  static Value string(std::string_view text);
  static Value number(std::int64_t number);
  static Value boolean(bool flag);
  static Value array();
  static Value object();
  static Value strings(const std::vector<std::string>& texts);

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_null() const { return kind == Kind::kNull; }
  /// The member `key` of an object; null when it is absent, or no object.
  const Value* find(std::string_view key) const;
  /// The text of the string member `key`; "" for all else.
  std::string text_of(std::string_view key) const;
  /// Whether the member `key` is true.
  bool flag_of(std::string_view key) const;
  /// The integer member `key`; 0 for all else.
  std::int64_t integer_of(std::string_view key) const;
  /// The strings of an array; of anything else none.
  std::vector<std::string> as_strings() const;
  /// Sets member `key` of an object, replacing it.
  Value& set(std::string_view key, Value value);
  Value& push(Value value);
};

/// One JSON text, whole.
///   kInvalidArgument  not JSON, or too deep; the message quotes nothing of it.
Result<Value> parse_value(std::string_view json);

/// JSON of `value`: on one line, or indented by two spaces.
std::string to_json(const Value& value);
std::string to_pretty_json(const Value& value);
/// YAML of `value` in block style with sorted keys; ends in a newline.
std::string to_yaml(const Value& value);
/// One line for a cell: strings as they are, `[a b]`, `map[k:v]`, `<nil>`.
std::string to_plain(const Value& value);

/// `value` with the keys of all its objects sorted.
Value sorted(const Value& value);
/// Overwrites every string in `value`.
void wipe(Value& value);

}  // namespace bulla::cli
