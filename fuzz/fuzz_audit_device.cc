// A record of audit devices that parses serialises to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "audit/device.h"
#include "audit/device_record.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  const auto devices = bulla::audit::parse_devices(bytes);
  if (!devices) {
    BULLA_ASSERT(devices.error().code() == bulla::ErrorCode::kCorrupt);
    return 0;
  }
  const auto again = bulla::audit::serialize_devices(*devices);
  BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
  return 0;
}
