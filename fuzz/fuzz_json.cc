// What parses is written back to text that parses to the same text again, and
// the limits hold.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::JsonLimits limits{.depth = 20,
                                 .string_bytes = 64,
                                 .object_entries = 8,
                                 .array_elements = 16};
  bulla::JsonParser parser;
  const auto root =
      bulla::parse_json(parser, bulla::as_text({data, size}), limits);
  if (!root) {
    BULLA_ASSERT(root.error().code() == bulla::ErrorCode::kInvalidArgument);
    return 0;
  }
  const std::string text = bulla::json_text(*root);
  const auto again = bulla::parse_json(parser, text);
  BULLA_ASSERT(again.has_value());
  BULLA_ASSERT(bulla::json_text(*again) == text);
  return 0;
}
