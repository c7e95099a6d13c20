#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace bulla {

/// Appends `text` as a quoted JSON string, escaped as Go's encoder does
/// (<, >, & as \u003c …; invalid UTF-8 becomes U+FFFD).
void append_json_string(std::string& out, std::string_view text);

/// Writes JSON text straight into a string; commas are its own business.
/// Misuse (a value without a key inside an object) is a bug, not an error.
///
///   JsonWriter w(out);
///   w.begin_object().key("keys").begin_array().value("a").end_array()
///    .end_object();
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) {
    return value(std::string_view(text));
  }
  JsonWriter& value(bool flag);
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(int number) {
    return value(static_cast<std::int64_t>(number));
  }
  JsonWriter& value(std::uint32_t number) {
    return value(static_cast<std::int64_t>(number));
  }
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(double number);
  JsonWriter& null();
  /// `json` is appended as it is: it must be one complete JSON value.
  JsonWriter& raw(std::string_view json);
  /// A string whose characters need no escaping (base64, hex, our own words).
  JsonWriter& plain(std::string_view text);
  /// `prefix` and then the base64 of `bytes`, as one string.
  JsonWriter& base64(ByteView bytes, std::string_view prefix = {});

  template <typename T>
  JsonWriter& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  template <typename Range>
  JsonWriter& strings(const Range& range) {
    begin_array();
    for (const auto& item : range) value(std::string_view(item));
    return end_array();
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string& out_;
  bool comma_ = false;  // a value came before at this level
};

}  // namespace bulla
