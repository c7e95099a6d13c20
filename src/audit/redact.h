#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/hash.h"

namespace bulla::audit {

/// Turns a value into "hmac-sha256:" and 64 lower-case hexadecimal digits of
/// HMAC-SHA256(salt's text, value): comparable, not readable
/// (reference/sys.md §9). Immutable; any thread.
class ValueHasher {
 public:
  explicit ValueHasher(std::string_view salt);

  /// Appends the hash without quotes.
  void append(std::string& out, std::string_view value) const;
  std::string hash(std::string_view value) const;

 private:
  crypto::Hmac hmac_;
};

/// Appends JSON with every string value hashed. Map keys, numbers, booleans and
/// null stay; so do strings that are RFC 3339 times, and strings whose nearest
/// enclosing map key is exempt (elements of a list count under the list's key).
/// Views must outlive it. Not thread-safe to share with writers of `exempt`.
class Redactor {
 public:
  /// `raw` leaves every value as it is (the device's log_raw).
  Redactor(const ValueHasher& hasher, std::span<const std::string> exempt,
           bool raw)
      : hasher_(hasher), exempt_(exempt), raw_(raw) {}

  /// `key` is the nearest enclosing map key.
  void append(std::string& out, const JsonElement& element,
              std::string_view key = {}) const;
  void append(std::string& out, const JsonObject& object) const;
  /// The same, but the members "keys" and "key_info" become their sizes (the
  /// device's elide_list_responses).
  void append_elided(std::string& out, const JsonObject& object) const;
  void append_string(std::string& out, std::string_view text,
                     std::string_view key) const;

 private:
  bool is_plain(std::string_view text, std::string_view key) const;

  const ValueHasher& hasher_;
  std::span<const std::string> exempt_;
  bool raw_;
};

}  // namespace bulla::audit
