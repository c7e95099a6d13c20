// A blob of the pkcs11 provider that parses serialises to the same bytes, and
// hands an HSM only what the mechanism can have.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "kek/pkcs11_blob.h"
#include "kek/pkcs11_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace kek = bulla::kek;
  const bulla::ByteView bytes(data, size);
  const auto blob = kek::Pkcs11Blob::parse(bytes);
  if (!blob) {
    BULLA_ASSERT(blob.error().code() == bulla::ErrorCode::kCorrupt);
    return 0;
  }
  BULLA_ASSERT(std::ranges::equal(blob->serialise(), bytes));
  if (blob->mechanism == kek::Pkcs11Blob::Mechanism::kAesGcm) {
    BULLA_ASSERT(blob->iv.size() >= kek::Pkcs11Gcm::kIvBytes);
    BULLA_ASSERT(blob->iv.size() <= kek::Pkcs11Gcm::kIvBytesMax);
    BULLA_ASSERT(blob->sealed.size() > kek::Pkcs11Gcm::kTagBytes);
  } else {
    BULLA_ASSERT(blob->iv.empty());
  }
  return 0;
}
