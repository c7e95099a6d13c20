// Public keys in DER and in PEM: what parses re-encodes to a key that equals
// it, and to the same bytes from then on.

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "crypto/asymmetric.h"

namespace crypto = bulla::crypto;

namespace {

void check(const bulla::Result<crypto::PublicKey>& key) {
  if (!key) return;
  const auto again = crypto::PublicKey::from_spki_der(key->spki_der());
  BULLA_ASSERT(again && *again == *key);
  const auto from_pem = crypto::PublicKey::from_spki_pem(key->spki_pem());
  BULLA_ASSERT(from_pem && *from_pem == *key);
  // Whatever the signature and the scheme: no crash, no acceptance.
  crypto::SignatureScheme scheme;
  scheme.encoding = crypto::EcdsaEncoding::kFixed;
  const auto verified = key->verify(scheme, {}, bulla::Bytes(64, 1));
  BULLA_ASSERT(verified && !*verified);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  check(crypto::PublicKey::from_spki_der(bytes));
  check(crypto::PublicKey::from_spki_pem(bulla::as_text(bytes)));
  return 0;
}
