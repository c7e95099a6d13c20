// A passkey that parses serialises to the same bytes, and no unseal key opens
// what a fuzzer finds.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "seal/passkey.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace seal = bulla::seal;
  const bulla::ByteView bytes(data, size);
  const auto passkey = seal::Passkey::parse("id", bytes);
  if (!passkey) {
    BULLA_ASSERT(passkey.error().code() == bulla::ErrorCode::kCorrupt);
    return 0;
  }
  BULLA_ASSERT(std::ranges::equal(passkey->serialise(), bytes));
  BULLA_ASSERT(passkey->check.size() == seal::Passkey::kCheckBytes);
  BULLA_ASSERT(passkey->threshold <= passkey->shares);
  const auto key = bulla::SecretBytes::copy_of(bulla::Bytes(32, 0x5a));
  BULLA_ASSERT(!seal::unwrap_under_unseal_key(
      key, passkey->wrapped, seal::passkey_context("fuzz", passkey->id)));
  return 0;
}
