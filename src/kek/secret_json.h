#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::kek {

/// An answer in JSON that may hold a secret: parsed out of secret memory, and
/// what the parser copied of the secret is wiped when that is taken.
class SecretJson {
 public:
  ///   kUnavailable  not an object of JSON.
  static Result<SecretJson> parse(std::string_view body);

  const JsonObject& root() const { return root_; }
  /// The object at `name`.
  ///   kUnavailable  absent or not an object.
  Result<JsonObject> object(const char* name) const;

 private:
  SecretJson() : parser_(std::make_unique<JsonParser>()) {}
  SecretBytes text_;
  std::unique_ptr<JsonParser> parser_;  ///< Where root_ points into.
  JsonObject root_;
};

/// Decodes base64 that lies in a SecretJson, and overwrites it there.
///   kUnavailable  absent, not text or not base64.
Result<SecretBytes> take_secret(const JsonObject& object, const char* name);

/// The text at `name`; it lives as long as the SecretJson.
///   kUnavailable  absent or not text.
Result<std::string_view> text_at(const JsonObject& object, const char* name);

/// The error of an answer that is not what was asked for.
Error strange_answer();

}  // namespace bulla::kek
