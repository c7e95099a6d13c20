// Stored key, version and purge records: what parses serialises to the same
// bytes. The first byte picks the kind of record.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "engine/transit/key.h"

namespace transit = bulla::engine::transit;

namespace {

template <typename Record>
void check(const bulla::Result<Record>& record, bulla::ByteView bytes) {
  if (!record) return;
  BULLA_ASSERT(std::ranges::equal(transit::encode(*record).expose(), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const bulla::ByteView bytes(data + 1, size - 1);
  switch (data[0]) {
    case 'k':
      check(transit::decode_key_record(bytes), bytes);
      return 0;
    case 'p':
      check(transit::decode_purge_record(bytes), bytes);
      return 0;
    default:
      break;
  }
  auto version = transit::decode_version_record(bytes);
  check(version, bytes);
  if (!version) return 0;
  // Any version that parses is either fit for a key or refused.
  transit::KeyRecord key;
  key.name = "k";
  key.type =
      data[0] == 'h' ? transit::KeyType::kHmac : transit::KeyType::kAes256Gcm96;
  static_cast<void>(transit::KeyVersion::make(key, *std::move(version)));
  return 0;
}
