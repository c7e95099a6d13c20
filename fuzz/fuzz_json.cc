// What parses is written back to text that parses to the same text again, the
// limits hold, and no text costs more than it was metered for.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/json.h"

namespace {

using bulla::JsonElement;
using bulla::JsonType;

// The cost of what came out, by the model of JsonLimits::memory_bytes.
std::size_t cost_of(const JsonElement& element) {
  switch (element.type()) {
    case JsonType::OBJECT: {
      std::size_t cost = 16 + 72;
      for (const auto field : bulla::JsonObject(element)) {
        cost += 16 + 16 + field.key.size() + cost_of(field.value);
      }
      return cost;
    }
    case JsonType::ARRAY: {
      std::size_t cost = 16 + 24;
      for (const JsonElement item : bulla::JsonArray(element)) {
        cost += cost_of(item);
      }
      return cost;
    }
    case JsonType::STRING:
      return 16 + 16 + element.get_string_length().value();
    case JsonType::BOOL:
    case JsonType::NULL_VALUE:
      return 16 + 1;
    default:
      return 16 + 8;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  bulla::JsonLimits limits{.depth = 20,
                           .string_bytes = 64,
                           .object_entries = 8,
                           .array_elements = 16};
  const auto text = bulla::as_text({data, size});
  bulla::JsonParser parser;
  const auto root = bulla::parse_json(parser, text, limits);
  if (!root) {
    BULLA_ASSERT(root.error().code() == bulla::ErrorCode::kInvalidArgument);
    return 0;
  }
  limits.memory_bytes = cost_of(*root) - 1;
  const std::string written = bulla::json_text(*root);
  const auto again = bulla::parse_json(parser, written);
  BULLA_ASSERT(again.has_value());
  BULLA_ASSERT(bulla::json_text(*again) == written);
  const auto refused = bulla::parse_json(parser, text, limits);
  BULLA_ASSERT(!refused.has_value());
  BULLA_ASSERT(refused.error().message().starts_with("refused JSON input"));
  return 0;
}
