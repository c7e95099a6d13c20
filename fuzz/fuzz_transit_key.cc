// Stored key, version and usage records: what parses serialises to the same
// bytes. The first byte picks the kind of record, and the type that a version
// is opened as.

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

transit::KeyType type_named(std::uint8_t letter) {
  switch (letter) {
    case 'c':
      return transit::KeyType::kAes256Cmac;
    case 'e':
      return transit::KeyType::kEd25519;
    case 'h':
      return transit::KeyType::kHmac;
    case 'm':
      return transit::KeyType::kManagedKey;
    case 'p':
      return transit::KeyType::kEcdsaP256;
    case 'r':
      return transit::KeyType::kRsa2048;
    default:
      return transit::KeyType::kAes256Gcm96;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const bulla::ByteView bytes(data + 1, size - 1);
  if (data[0] == 'k') {
    check(transit::decode_key_record(bytes), bytes);
    return 0;
  }
  if (data[0] == 'u') {
    check(transit::decode_usage_record(bytes), bytes);
    return 0;
  }
  auto version = transit::decode_version_record(bytes);
  check(version, bytes);
  if (!version) return 0;
  // Any version that parses is either fit for a key or refused.
  transit::KeyRecord key;
  key.name = "k";
  key.type = type_named(data[0]);
  static_cast<void>(transit::KeyVersion::make(key, *std::move(version)));
  return 0;
}
