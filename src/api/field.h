#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace bulla::api {

/// How a field's JSON is read (reference/http.md §5, "Type coercion").
enum class FieldType : std::uint8_t {
  kString,
  kLowerString,  ///< Lower-cased and trimmed.
  kInt,          ///< 64-bit; strings with base prefix accepted.
  kBool,
  kDuration,  ///< Whole seconds; never negative.
  kSignedDuration,
  kStringSlice,       ///< Array, or one string as one element.
  kCommaStringSlice,  ///< Array, or "a,b , c".
  kCommaIntSlice,
  kMap,      ///< Object.
  kKvPairs,  ///< Object, ["k=v", …] or "k=v".
  kTime,     ///< RFC 3339 or epoch seconds.
  kAny,      ///< Left to the handler.
};

/// One row of a route's fields: the source of validation, help and OpenAPI.
struct Field {
  std::string_view name;
  FieldType type = FieldType::kString;
  std::string_view description = {};
  std::string_view default_text = {};  ///< As documentation shows it.
  bool required = false;               ///< Documentation only.
};

/// A captured path parameter, already percent-decoded.
struct PathParam {
  std::string_view name;
  std::string_view value;
};

/// The fields of one request, checked against their types. Path parameters
/// stand before body members of the same name. Views hold as long as the
/// request. Not thread-safe. After bind() the getters cannot fail.
class Fields {
 public:
  static constexpr std::size_t kFieldsMax = 40;

  /// Takes path parameters and body (absent: none).
  ///   kInvalidArgument  "Field validation failed: error converting input for
  ///                     field \"x\": …".
  Result<void> bind(std::span<const Field> schema,
                    std::span<const PathParam> params,
                    std::optional<JsonObject> body);

  /// Present and not null.
  bool has(std::string_view name) const;
  /// kString and kLowerString; numbers and booleans as their text.
  std::string_view text(std::string_view name,
                        std::string_view otherwise = {}) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
  bool boolean(std::string_view name, bool otherwise = false) const;
  Seconds duration(std::string_view name, Seconds otherwise = Seconds{0}) const;
  std::vector<std::string> strings(std::string_view name) const;
  std::vector<std::int64_t> integers(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> pairs(
      std::string_view name) const;
  std::optional<JsonObject> object(std::string_view name) const;
  std::optional<Time> time(std::string_view name) const;
  /// The JSON itself; absent for path parameters.
  std::optional<JsonElement> raw(std::string_view name) const;

  /// Body members that the schema does not name, sorted; for the warning.
  const std::vector<std::string_view>& unrecognized() const {
    return unrecognized_;
  }
  /// Body members that a path parameter replaced.
  const std::vector<std::string_view>& replaced() const { return replaced_; }
  /// The whole body, for engines that store it as it came.
  const std::optional<JsonObject>& body() const { return body_; }

 private:
  enum class Source : std::uint8_t { kNone, kPath, kBody };
  struct Slot {
    Source source = Source::kNone;
    std::string_view text;
    JsonElement element;
  };

  std::size_t index_of(std::string_view name) const;
  const Slot* find(std::string_view name) const;
  bool captured(std::string_view name) const;
  void take_body(const JsonObject& body);
  Result<void> check(const Field& field, Slot& slot);
  void lower(Slot& slot);

  std::span<const Field> schema_;
  std::array<Slot, kFieldsMax> slots_;
  std::vector<PathParam> extra_;  // captured, but not in the schema
  std::optional<JsonObject> body_;
  std::vector<std::string_view> unrecognized_;
  std::vector<std::string_view> replaced_;
  // Text made of numbers and booleans; nodes never move.
  std::vector<std::unique_ptr<std::string>> made_;
};

/// Conversions of one JSON value, as Vault's weak decoding does them. Also used
/// on batch items. kInvalidArgument says what was expected.
Result<std::int64_t> json_to_int(const JsonElement& element);
Result<bool> json_to_bool(const JsonElement& element);
Result<std::string> json_to_string(const JsonElement& element);
Result<Seconds> json_to_duration(const JsonElement& element,
                                 bool allow_negative);
Result<std::vector<std::string>> json_to_strings(const JsonElement& element,
                                                 bool split_commas);
Result<std::int64_t> text_to_int(std::string_view text);
Result<bool> text_to_bool(std::string_view text);

}  // namespace bulla::api
