#include "crypto/asymmetric.h"

#include <utility>

#include "base/assert.h"
#include "crypto/asymmetric_parts.h"
#include "crypto/pem.h"

namespace bulla::crypto {
namespace {

constexpr std::string_view kPublicLabel = "PUBLIC KEY";

bool is_rsa(AsymmetricAlgorithm algorithm) {
  return algorithm == AsymmetricAlgorithm::kRsa;
}
bool is_ed25519(AsymmetricAlgorithm algorithm) {
  return algorithm == AsymmetricAlgorithm::kEd25519;
}

std::size_t bits_of(const SpkiParts& parts) {
  switch (parts.algorithm) {
    case AsymmetricAlgorithm::kRsa:
      return parts.n.size() * 8;
    case AsymmetricAlgorithm::kEcdsaP384:
      return 384;
    case AsymmetricAlgorithm::kEcdsaP521:
      return 521;
    default:
      return 256;
  }
}

Result<std::shared_ptr<PublicImpl>> public_impl(const SpkiParts& parts) {
  auto impl = std::make_shared<PublicImpl>();
  impl->algorithm = parts.algorithm;
  impl->bits = bits_of(parts);
  if (is_rsa(parts.algorithm)) {
    TRY_ASSIGN(impl->pkey, rsa_public(parts));
  } else if (!is_ed25519(parts.algorithm)) {
    TRY_ASSIGN(impl->pkey, ec_public(parts));
  }
  impl->spki = write_spki(parts);
  return impl;
}

}  // namespace

PublicKey::PublicKey(std::shared_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}

Result<PublicKey> PublicKey::from_spki_der(ByteView der) {
  const auto parts = parse_spki(der);
  if (!parts) {
    return fail(invalid_argument(
        "not a public key (SubjectPublicKeyInfo) of a known algorithm"));
  }
  TRY_ASSIGN(auto impl, public_impl(*parts));
  return PublicKey(std::move(impl));
}

Result<PublicKey> PublicKey::from_spki_pem(std::string_view pem) {
  const auto block = next_pem_block(pem);
  const auto der = block && block->label == kPublicLabel ? pem_contents(*block)
                                                         : std::nullopt;
  if (!der || next_pem_block(pem)) {
    return fail(invalid_argument("not one PEM block of a public key"));
  }
  return from_spki_der(*der);
}

Result<PublicKey> PublicKey::from_ed25519(ByteView raw) {
  if (raw.size() != kEd25519PublicBytes) {
    return fail(invalid_argument("an Ed25519 public key has 32 bytes"));
  }
  SpkiParts parts;
  parts.point = raw;
  TRY_ASSIGN(auto impl, public_impl(parts));
  return PublicKey(std::move(impl));
}

AsymmetricAlgorithm PublicKey::algorithm() const { return impl_->algorithm; }
std::size_t PublicKey::bits() const { return impl_->bits; }
Result<PublicKey> PublicKey::from_rsa(ByteView n, ByteView e) {
  SpkiParts parts;
  parts.algorithm = AsymmetricAlgorithm::kRsa;
  parts.n = n;
  parts.e = e;
  return from_spki_der(write_spki(parts));
}

Bytes PublicKey::spki_der() const { return impl_->spki; }
std::string PublicKey::spki_pem() const {
  return pem_encode(kPublicLabel, impl_->spki);
}

Bytes PublicKey::ed25519_raw() const {
  BULLA_ASSERT(is_ed25519(algorithm()));
  return to_bytes(impl_->parts().point);
}

RsaNumbers PublicKey::rsa_numbers() const {
  BULLA_ASSERT(is_rsa(algorithm()));
  const SpkiParts parts = impl_->parts();
  RsaNumbers numbers;
  numbers.n = to_bytes(parts.n);
  numbers.e = to_bytes(parts.e);
  return numbers;
}

EcNumbers PublicKey::ec_numbers() const {
  const std::size_t field = ec_field_bytes(algorithm());
  const ByteView point = impl_->parts().point;
  EcNumbers numbers;
  numbers.x = to_bytes(point.subspan(1, field));
  numbers.y = to_bytes(point.last(field));
  return numbers;
}

bool operator==(const PublicKey& a, const PublicKey& b) {
  return a.impl_->spki == b.impl_->spki;
}

Result<bool> PublicKey::verify(const SignatureScheme& scheme, ByteView input,
                               ByteView signature) const {
  if (is_ed25519(algorithm())) {
    return ed25519_verify(impl_->parts().point, input, signature);
  }
  if (is_rsa(algorithm())) {
    return rsa_verify(*impl_, scheme, input, signature);
  }
  return ecdsa_verify(*impl_, scheme, input, signature);
}

Result<Bytes> PublicKey::encrypt(RsaEncryption padding, HashAlgorithm hash,
                                 ByteView plaintext) const {
  BULLA_ASSERT(is_rsa(algorithm()));
  return rsa_encrypt(*impl_, padding, hash, plaintext);
}

}  // namespace bulla::crypto
