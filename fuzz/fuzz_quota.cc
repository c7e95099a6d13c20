// The record of a quota that parses serialises to the same bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "server/quotas.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  if (const auto rule = bulla::server::parse_quota("q", bytes)) {
    const auto again = bulla::server::serialize_quota(*rule);
    BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
  }
  return 0;
}
