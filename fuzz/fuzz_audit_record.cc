// A record of audit devices or of audited headers that parses serialises to the
// same bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "audit/device_record.h"
#include "audit/header_record.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  if (const auto devices = bulla::audit::parse_devices(bytes)) {
    const auto again = bulla::audit::serialize_devices(*devices);
    BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
  }
  if (const auto headers = bulla::audit::parse_headers(bytes)) {
    const auto again = bulla::audit::serialize_headers(*headers);
    BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
  }
  return 0;
}
