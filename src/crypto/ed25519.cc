#include <sodium.h>

#include "base/assert.h"
#include "crypto/asymmetric_parts.h"
#include "crypto/sodium.h"

namespace bulla::crypto {

static_assert(crypto_sign_ed25519_PUBLICKEYBYTES == kEd25519PublicBytes &&
              crypto_sign_ed25519_SEEDBYTES == kEd25519SeedBytes);

SecretBytes ed25519_expand(ByteView seed) {
  BULLA_ASSERT(seed.size() == kEd25519SeedBytes);
  init_sodium();
  SecretBytes expanded(crypto_sign_ed25519_SECRETKEYBYTES);
  std::array<std::uint8_t, kEd25519PublicBytes> public_key;
  BULLA_ASSERT(crypto_sign_ed25519_seed_keypair(
                   public_key.data(), expanded.expose_mutable().data(),
                   seed.data()) == 0);
  return expanded;
}

Bytes ed25519_sign(const SecretBytes& expanded, ByteView input) {
  Bytes signature(crypto_sign_ed25519_BYTES);
  BULLA_ASSERT(crypto_sign_ed25519_detached(signature.data(), nullptr,
                                            input.data(), input.size(),
                                            expanded.expose().data()) == 0);
  return signature;
}

bool ed25519_verify(ByteView key, ByteView input, ByteView signature) {
  return signature.size() == crypto_sign_ed25519_BYTES &&
         crypto_sign_ed25519_verify_detached(signature.data(), input.data(),
                                             input.size(), key.data()) == 0;
}

}  // namespace bulla::crypto
