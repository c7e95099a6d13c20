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

/// Limits against JSON bombs (security.md: memory under deep, wide, long JSON).
struct JsonLimits {
  std::size_t depth = 300;
  std::size_t string_bytes = std::size_t{32} << 20;
  std::size_t object_entries = 10'000;
  std::size_t array_elements = 100'000;
};

/// Parses `text`. `padded`: the caller vouches that simdjson::SIMDJSON_PADDING
/// readable bytes follow it; otherwise it is copied.
///   kInvalidArgument  "failed to decode JSON input: …", or a limit's name.
Result<JsonElement> parse_json(JsonParser& parser, std::string_view text,
                               const JsonLimits& limits = {},
                               bool padded = false);

/// The JSON text of `element`, keys in their order, escaped as Go does.
std::string json_text(const JsonElement& element);

}  // namespace bulla
