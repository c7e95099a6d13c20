// What parses as the record of a managed key serialises to the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/managed_key_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  const auto record = bulla::server::decode_managed_key(bytes);
  if (!record) return 0;
  const auto again = bulla::server::encode(*record);
  if (!bulla::constant_time_equal(again.expose(), bytes)) std::abort();
  return 0;
}
