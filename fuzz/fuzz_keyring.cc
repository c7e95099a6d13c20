// A keyring record that parses serialises to the same bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "barrier/keyring.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView record(data, size);
  const auto terms = bulla::barrier::Keyring::parse(record);
  if (!terms) return 0;
  const auto again = bulla::barrier::Keyring::serialise(*terms);
  BULLA_ASSERT(std::ranges::equal(again.expose(), record));
  return 0;
}
