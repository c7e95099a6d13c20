// What parses as a mount record serialises to the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/mount_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  const auto config = bulla::server::parse_mount_record(bytes);
  if (!config) return 0;
  const auto again = bulla::server::write_mount_record(*config);
  if (!bulla::constant_time_equal(again.expose(), bytes)) std::abort();
  return 0;
}
