// A node's beat that parses serialises to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "seal/node_beat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using bulla::seal::NodeBeat;
  const bulla::ByteView bytes(data, size);
  const auto beat = NodeBeat::parse(bytes);
  if (!beat) {
    BULLA_ASSERT(beat.error().code() == bulla::ErrorCode::kCorrupt);
    return 0;
  }
  BULLA_ASSERT(std::ranges::equal(beat->serialise(), bytes));
  BULLA_ASSERT(!beat->name.empty());
  return 0;
}
