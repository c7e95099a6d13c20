// Certificates and templates of requests, both in PEM. What parses as a bundle
// parses again from what we write; what serves as a template gives a request
// that serves as one too, for the same request.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "crypto/x509.h"

namespace crypto = bulla::crypto;

namespace {

// Ed25519, whose signatures are the same each time.
const crypto::PrivateKey& key() {
  static const auto made =
      crypto::PrivateKey::from_ed25519_seed(bulla::Bytes(32, 7)).value();
  return made;
}

void check_bundle(std::string_view pem) {
  const auto chain = crypto::parse_certificates(pem);
  if (!chain) return;
  std::string written;
  for (const bulla::Bytes& der : *chain) {
    written += crypto::certificate_pem(der) + "\n";
  }
  const auto again = crypto::parse_certificates(written);
  BULLA_ASSERT(again && *again == *chain);
  static_cast<void>(crypto::check_chain(*chain, key().public_key()));
}

void check_template(std::string_view pem) {
  const auto request = crypto::make_csr(key(), pem);
  if (!request) return;
  const auto again = crypto::make_csr(key(), *request);
  BULLA_ASSERT(again && *again == *request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view pem = bulla::as_text({data, size});
  check_bundle(pem);
  check_template(pem);
  return 0;
}
