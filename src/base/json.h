#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace bulla {

/// JSON that came from outside, parsed whole and validated by simdjson. Views
/// into it live as long as the parser's next parse.
using JsonParser = simdjson::dom::parser;
using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;
using JsonType = simdjson::dom::element_type;

/// Limits against JSON bombs: memory under deep, wide and long JSON.
struct JsonLimits {
  std::size_t depth = 300;
  std::size_t string_bytes = std::size_t{32} << 20;
  std::size_t object_entries = 10'000;
  std::size_t array_elements = 100'000;
  /// What the whole text may take once parsed, by OpenBao's model: 16 bytes a
  /// value, and 1 for true, false and null, 8 for a number, 16 and its length
  /// for a string (keys are strings), 24 for an array, 72 for an object.
  std::size_t memory_bytes = std::size_t{64} << 20;
  std::size_t strings = 1'000'000;  ///< Keys and values of the whole text.
};

/// Parses `text`. `padded`: the caller vouches that simdjson::SIMDJSON_PADDING
/// readable bytes follow it; otherwise it is copied. The limits on memory and
/// strings are held before anything is built of the text.
///   kInvalidArgument  "failed to decode JSON input: …", or a limit's name.
Result<JsonElement> parse_json(JsonParser& parser, std::string_view text,
                               const JsonLimits& limits = {},
                               bool padded = false);

/// Gives back what a large document made `parser` take, the document with it.
void trim(JsonParser& parser);

/// The JSON text of `element`, keys in their order, escaped as Go does.
std::string json_text(const JsonElement& element);
std::string json_text(const JsonObject& object);

}  // namespace bulla
