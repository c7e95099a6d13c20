// Private keys in PEM: what is read comes back the same when it is written as
// PKCS#8, and a key that parses is of the same pair.

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "crypto/asymmetric.h"
#include "crypto/pem.h"
#include "crypto/private_pem.h"

namespace crypto = bulla::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto der = crypto::private_key_from_pem(bulla::as_text({data, size}));
  if (!der || der->empty()) return 0;
  const auto pem = crypto::pem_encode_secret("PRIVATE KEY", *der);
  const auto again = crypto::private_key_from_pem(bulla::as_text(pem.expose()));
  BULLA_ASSERT(again && *again == *der);
  const auto key = crypto::PrivateKey::from_pkcs8(der->expose());
  if (!key) return 0;
  const auto written = key->pkcs8_pem();
  const auto read =
      crypto::private_key_from_pem(bulla::as_text(written.expose()));
  BULLA_ASSERT(read && crypto::PrivateKey::from_pkcs8(read->expose()));
  return 0;
}
