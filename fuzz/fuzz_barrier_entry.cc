// A sealed entry that parses serialises to the same bytes, and nothing that a
// fuzzer finds opens.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "barrier/entry.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace barrier = bulla::barrier;
  namespace crypto = bulla::crypto;
  const bulla::ByteView bytes(data, size);
  const auto entry = barrier::SealedEntry::parse(bytes);
  if (!entry) return 0;
  BULLA_ASSERT(std::ranges::equal(entry->serialise(), bytes));
  const bulla::Bytes key(32, 0x5a);
  const auto aead =
      crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm, key);
  BULLA_ASSERT(!barrier::open_entry(*aead, "path", *entry));
  return 0;
}
