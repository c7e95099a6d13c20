// Private keys: what parses re-encodes to bytes that parse to the same key, and
// signs what its public key verifies.

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "crypto/asymmetric.h"

namespace crypto = bulla::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto key = crypto::PrivateKey::from_pkcs8({data, size});
  if (!key) return 0;
  const bulla::SecretBytes encoded = key->pkcs8_der();
  const auto again = crypto::PrivateKey::from_pkcs8(encoded.expose());
  BULLA_ASSERT(again && again->public_key() == key->public_key());
  BULLA_ASSERT(again->pkcs8_der() == encoded);
  const auto public_key =
      crypto::PublicKey::from_spki_der(key->public_key().spki_der());
  BULLA_ASSERT(public_key && *public_key == key->public_key());
  const auto signature = key->sign({}, {});
  // An RSA key of numbers that are not prime signs nothing that holds.
  if (key->algorithm() == crypto::AsymmetricAlgorithm::kRsa) return 0;
  BULLA_ASSERT(signature && *public_key->verify({}, {}, *signature));
  return 0;
}
