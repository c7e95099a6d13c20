// A passphrase blob that parses serialises to the same bytes, and asks for no
// more of Argon2id than the bounds allow.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "kek/passphrase_blob.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using bulla::kek::PassphraseBlob;
  const bulla::ByteView bytes(data, size);
  const auto blob = PassphraseBlob::parse(bytes);
  if (!blob) {
    BULLA_ASSERT(blob.error().code() == bulla::ErrorCode::kCorrupt);
    return 0;
  }
  BULLA_ASSERT(std::ranges::equal(blob->serialise(), bytes));
  BULLA_ASSERT(blob->salt.size() == PassphraseBlob::kSaltBytes);
  BULLA_ASSERT(blob->cost.memory_kib <= PassphraseBlob::kMemoryKibMax);
  BULLA_ASSERT(std::uint64_t{blob->cost.memory_kib} * blob->cost.passes <=
               PassphraseBlob::kWorkKibMax);
  return 0;
}
