#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace bulla {

/// HCL (version 1, as Vault's configuration and policies are written) or its
/// JSON equivalent, parsed to a tree that remembers lines, so that every error
/// can name file, line and key.
struct HclValue;

/// `key "label" "label" { … }` or `key = value`.
struct HclItem {
  std::string key;
  std::vector<std::string> labels;
  std::unique_ptr<HclValue> value;
  int line = 0;
};

/// Items in their written order; a key may stand several times.
struct HclObject {
  std::vector<HclItem> items;

  /// The first item of that key, or null.
  const HclItem* find(std::string_view key) const;
  /// All items of that key in order.
  std::vector<const HclItem*> all(std::string_view key) const;
};

struct HclList {
  std::vector<HclValue> values;
};

struct HclValue {
  /// A number keeps its text too: `text` holds "0x10", "1e3" as written.
  struct Number {
    double value = 0;
    std::string text;
  };
  std::variant<std::string, Number, bool, HclList, HclObject> data;
  int line = 0;

  const std::string* string() const { return std::get_if<std::string>(&data); }
  const Number* number() const { return std::get_if<Number>(&data); }
  const bool* boolean() const { return std::get_if<bool>(&data); }
  const HclList* list() const { return std::get_if<HclList>(&data); }
  const HclObject* object() const { return std::get_if<HclObject>(&data); }
  /// Strings, numbers and booleans as text; empty for lists and objects.
  std::string scalar_text() const;
};

/// Parses HCL, or JSON where the first character that is not white space is
/// '{'. In JSON, `{"path": {"a/*": {…}}}` becomes `path "a/*" {…}` only through
/// the reader's own handling: an object under a key stays an object value.
/// Members that are null in JSON are left out.
/// Nesting deeper than 64, texts over 1 MiB, invalid UTF-8 and NUL are refused.
///   kInvalidArgument  "line N: …".
Result<HclObject> parse_hcl(std::string_view text);

}  // namespace bulla
