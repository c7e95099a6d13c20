// The "vault:vN:" parser: what it takes apart can be put together again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "engine/transit/ciphertext.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace transit = bulla::engine::transit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  transit::VersionedText parsed;
  if (transit::parse_versioned_text(text, parsed) !=
      transit::VersionedTextFault::kNone) {
    return 0;
  }
  BULLA_ASSERT(text.ends_with(parsed.payload));
  const std::string again = std::string(transit::kCiphertextPrefix) +
                            std::to_string(parsed.version) + ":" +
                            std::string(parsed.payload);
  transit::VersionedText second;
  BULLA_ASSERT(transit::parse_versioned_text(again, second) ==
               transit::VersionedTextFault::kNone);
  BULLA_ASSERT(second.version == parsed.version);
  BULLA_ASSERT(second.payload == parsed.payload);
  return 0;
}
