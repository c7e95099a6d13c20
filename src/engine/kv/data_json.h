#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace bulla::engine::kv {

/// What becomes of numbers: version 2 of the engine takes them for doubles, as
/// its clients expect it to (2^53 + 1 is read back as 2^53); version 1 keeps
/// whole ones.
enum class Numbers : std::uint8_t { kAsDoubles, kAsTheyAre };

/// The text that is stored: members in the order of their names, the last of
/// several of one name.
std::string stored_json(const JsonObject& object, Numbers numbers);

/// `data` with the JSON merge patch (RFC 7386) applied, as stored_json with
/// kAsDoubles.
std::string merged_json(const JsonObject& data, const JsonObject& patch);

/// The names in `data` without its values: null for whatever is no object, an
/// empty one, or `depth` levels down (0: no limit; below 0 as 1).
std::string subkeys_json(const JsonObject& data, std::int64_t depth);

/// The text's own bytes, to wipe them.
inline ByteSpan bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

/// What was stored, parsed again; as long as `parser` lives.
///   kCorrupt  not a JSON object.
Result<JsonObject> parse_stored(JsonParser& parser, std::string_view text);

}  // namespace bulla::engine::kv
