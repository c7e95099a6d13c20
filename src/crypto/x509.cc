#include "crypto/x509.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <span>

#include "crypto/openssl.h"
#include "crypto/pem.h"

namespace bulla::crypto {
namespace {

using CertificatePtr = std::unique_ptr<X509, Freeing<X509_free>>;

constexpr std::string_view kLabel = "CERTIFICATE";
constexpr std::string_view kOldLabel = "X509 CERTIFICATE";

CertificatePtr parse(ByteView der) {
  const std::uint8_t* data = der.data();
  CertificatePtr certificate(
      d2i_X509(nullptr, &data, static_cast<long>(der.size())));
  if (certificate != nullptr && data == der.data() + der.size()) {
    return certificate;
  }
  drop_openssl_errors();
  return nullptr;
}

Result<CertificatePtr> require(ByteView der) {
  CertificatePtr certificate = parse(der);
  if (certificate == nullptr) {
    return fail(invalid_argument("a certificate does not parse"));
  }
  return certificate;
}

// By its basic constraints alone (RFC 5280, 4.2.1.9).
Result<bool> is_ca(X509& certificate) {
  const std::uint32_t flags = X509_get_extension_flags(&certificate);
  drop_openssl_errors();
  if ((flags & EXFLAG_INVALID) != 0) {
    return fail(invalid_argument("a certificate has invalid extensions"));
  }
  return (flags & EXFLAG_CA) != 0;
}

Result<PublicKey> key_of(const X509& certificate) {
  const X509_PUBKEY* const key = X509_get_X509_PUBKEY(&certificate);
  std::uint8_t* encoded = nullptr;
  const int size = i2d_X509_PUBKEY(key, &encoded);
  if (size <= 0) {
    drop_openssl_errors();
    return fail(invalid_argument("a certificate has no public key"));
  }
  const std::unique_ptr<std::uint8_t, decltype([](std::uint8_t* memory) {
                          OPENSSL_free(memory);
                        })>
      owned(encoded);
  return PublicKey::from_spki_der({encoded, static_cast<std::size_t>(size)});
}

bool is_ec(const PublicKey& key) {
  return key.algorithm() != AsymmetricAlgorithm::kRsa &&
         key.algorithm() != AsymmetricAlgorithm::kEd25519;
}

}  // namespace

Result<std::vector<Bytes>> parse_certificates(std::string_view pem) {
  std::vector<Bytes> chain;
  while (const auto block = next_pem_block(pem)) {
    if (block->label != kLabel && block->label != kOldLabel) continue;
    if (chain.size() == kCertificatesMax) {
      return fail(invalid_argument("too many certificates"));
    }
    auto der = pem_contents(*block);
    if (!der || parse(*der) == nullptr) {
      return fail(invalid_argument("a certificate does not parse"));
    }
    chain.push_back(*std::move(der));
  }
  if (chain.empty() ||
      pem.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    return fail(invalid_argument("no certificates, or one that is cut off"));
  }
  return chain;
}

Result<void> check_chain(const std::vector<Bytes>& chain,
                         const PublicKey& key) {
  if (chain.empty()) return fail(invalid_argument("no certificates"));
  TRY_ASSIGN(const CertificatePtr leaf, require(chain.front()));
  TRY_ASSIGN(const bool leaf_is_ca, is_ca(*leaf));
  if (leaf_is_ca) {
    return fail(invalid_argument("the first certificate is a CA's"));
  }
  for (const Bytes& der : std::span(chain).subspan(1)) {
    TRY_ASSIGN(const CertificatePtr issuer, require(der));
    TRY_ASSIGN(const bool issuer_is_ca, is_ca(*issuer));
    if (!issuer_is_ca) {
      return fail(invalid_argument(
          "a certificate that is not the first one is not a CA's"));
    }
  }
  const auto leaf_key = key_of(*leaf);
  if (!leaf_key || is_ec(*leaf_key) != is_ec(key) ||
      (!is_ec(key) && leaf_key->algorithm() != key.algorithm())) {
    return fail(invalid_argument(
        "the first certificate's public key is of another algorithm"));
  }
  if (*leaf_key == key) return {};
  return fail(
      internal_error("the first certificate's public key is not this key's"));
}

std::string certificate_pem(ByteView der) {
  std::string pem = pem_encode(kLabel, der);
  pem.pop_back();
  return pem;
}

}  // namespace bulla::crypto
