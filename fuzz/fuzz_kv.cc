// Stored key-value records, lists of DEKs, settings and bodies: what decodes
// encodes to the same bytes. The first byte picks the kind.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "engine/kv/record.h"

namespace kv = bulla::engine::kv;

namespace {

template <typename Decode>
void check(bulla::ByteView bytes, Decode decode) {
  const auto decoded = decode(bytes);
  if (!decoded) return;
  BULLA_ASSERT(std::ranges::equal(kv::encode(*decoded).expose(), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const bulla::ByteView bytes(data + 1, size - 1);
  switch (data[0]) {
    case 's':
      check(bytes, kv::decode_settings);
      break;
    case 'd':
      check(bytes, kv::decode_deks);
      break;
    case 'b':
      check(bytes, kv::decode_body);
      break;
    default:
      check(bytes, kv::decode_record);
  }
  return 0;
}
