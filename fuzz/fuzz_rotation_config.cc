// A RotationConfig that parses serialises to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "seal/keyring_rotation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  const auto record = bulla::seal::RotationConfig::parse(bytes);
  if (!record) {
    BULLA_ASSERT(record.error().code() == bulla::ErrorCode::kCorrupt);
    return 0;
  }
  BULLA_ASSERT(std::ranges::equal(record->serialise(), bytes));
  return 0;
}
