#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::engine::transit {

/// Go writes the numbers of keys as JSON numbers of thousands of digits, which
/// simdjson does not read: the same JSON with long whole numbers quoted.
SecretBytes quote_long_numbers(std::string_view json);

/// One object of a backup. Reads as Go does: names in any case, absent and
/// null alike. Whatever is of another type is an error, which finish() tells.
class BackupObject {
 public:
  explicit BackupObject(JsonObject object) : object_(object) {}

  std::optional<JsonElement> find(std::string_view name) const;
  std::optional<BackupObject> object(std::string_view name);
  std::string_view text(std::string_view name);
  bool boolean(std::string_view name);
  std::int64_t integer(std::string_view name);
  /// Base64; empty when absent.
  SecretBytes bytes(std::string_view name);
  /// A whole number in decimal, big-endian; empty when absent or 0.
  SecretBytes number(std::string_view name);
  static Result<SecretBytes> number_of(const JsonElement& element);

  void fault(std::string_view name);
  /// kInternal  the first member that was not read.
  Result<void> finish() const;

 private:
  JsonObject object_;
  std::string fault_;
};

}  // namespace bulla::engine::transit
