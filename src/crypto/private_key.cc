#include <openssl/core_names.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "crypto/asymmetric_parts.h"
#include "crypto/pem.h"

namespace bulla::crypto {
namespace {

bool is_rsa(AsymmetricAlgorithm algorithm) {
  return algorithm == AsymmetricAlgorithm::kRsa;
}
bool is_ed25519(AsymmetricAlgorithm algorithm) {
  return algorithm == AsymmetricAlgorithm::kEd25519;
}

using ImplPtr = std::unique_ptr<PrivateImpl>;

Result<ImplPtr> rsa_impl(PkeyPtr pkey, ByteView n, ByteView e) {
  SpkiParts parts;
  parts.algorithm = AsymmetricAlgorithm::kRsa;
  parts.n = n;
  parts.e = e;
  TRY_ASSIGN(PublicKey key, PublicKey::from_spki_der(write_spki(parts)));
  auto impl = std::make_unique<PrivateImpl>(std::move(key));
  impl->pkey = std::move(pkey);
  return impl;
}

Result<ImplPtr> generate_rsa(std::size_t bits) {
  TRY_ASSIGN(PkeyPtr pkey, rsa_generate(bits));
  const SecretBytes n =
      private_number(pkey.get(), OSSL_PKEY_PARAM_RSA_N, bits / 8);
  const SecretBytes e =
      private_number(pkey.get(), OSSL_PKEY_PARAM_RSA_E, bits / 8);
  return rsa_impl(std::move(pkey), without_leading_zeros(n.expose()),
                  without_leading_zeros(e.expose()));
}

// A public key that came with the private one must be its own. Compressed
// points (SEC 1, 2.3.3) name x and the parity of y.
bool is_point(ByteView given, ByteView point) {
  if (given.empty() || std::ranges::equal(given, point)) return true;
  const std::size_t field = (point.size() - 1) / 2;
  const std::uint8_t compressed = (point.back() & 1U) == 0 ? 2 : 3;
  return given.size() == 1 + field && given[0] == compressed &&
         std::ranges::equal(given.subspan(1), point.subspan(1, field));
}

Result<ImplPtr> ec_impl(AsymmetricAlgorithm curve, ByteView scalar,
                        ByteView given) {
  TRY_ASSIGN(const Bytes point, ec_point_of(curve, scalar));
  if (!is_point(given, point)) {
    return fail(invalid_argument("the key's two halves do not match"));
  }
  TRY_ASSIGN(PkeyPtr pkey, ec_private(curve, scalar, point));
  SpkiParts parts;
  parts.algorithm = curve;
  parts.point = point;
  TRY_ASSIGN(PublicKey key, PublicKey::from_spki_der(write_spki(parts)));
  auto impl = std::make_unique<PrivateImpl>(std::move(key));
  impl->pkey = std::move(pkey);
  return impl;
}

Result<ImplPtr> ed25519_impl(ByteView seed, ByteView given) {
  if (seed.size() != kEd25519SeedBytes) {
    return fail(invalid_argument("an Ed25519 seed has 32 bytes"));
  }
  SecretBytes expanded = ed25519_expand(seed);
  const ByteView point = expanded.expose().subspan(kEd25519SeedBytes);
  if (!given.empty() && !std::ranges::equal(given, point)) {
    return fail(invalid_argument("the key's two halves do not match"));
  }
  TRY_ASSIGN(PublicKey key, PublicKey::from_ed25519(point));
  auto impl = std::make_unique<PrivateImpl>(std::move(key));
  impl->ed25519 = std::move(expanded);
  return impl;
}

Result<ImplPtr> impl_of(const Pkcs8Parts& parts) {
  if (is_rsa(parts.algorithm)) {
    TRY_ASSIGN(PkeyPtr pkey, rsa_private(parts.rsa));
    return rsa_impl(std::move(pkey), parts.rsa.n, parts.rsa.e);
  }
  if (is_ed25519(parts.algorithm)) {
    return ed25519_impl(parts.secret, parts.public_key);
  }
  return ec_impl(parts.algorithm, parts.secret, parts.public_key);
}

// Calls `write` with what is to be encoded of an EC key.
SecretBytes write_ec(const PrivateImpl& key,
                     SecretBytes (*write)(const Pkcs8Parts&)) {
  const EcNumbers numbers = key.public_key.ec_numbers();
  Bytes point{4};
  point.insert(point.end(), numbers.x.begin(), numbers.x.end());
  point.insert(point.end(), numbers.y.begin(), numbers.y.end());
  const SecretBytes scalar = private_number(
      key.pkey.get(), OSSL_PKEY_PARAM_PRIV_KEY, numbers.x.size());
  Pkcs8Parts parts;
  parts.algorithm = key.public_key.algorithm();
  parts.secret = scalar.expose();
  parts.public_key = point;
  return write(parts);
}

}  // namespace

PrivateKey::PrivateKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

const PublicKey& PrivateKey::public_key() const { return impl_->public_key; }

Result<PrivateKey> PrivateKey::generate(AsymmetricAlgorithm algorithm,
                                        std::size_t bits, Rng& rng) {
  if (is_rsa(algorithm)) {
    TRY_ASSIGN(ImplPtr impl, generate_rsa(bits));
    return PrivateKey(std::move(impl));
  }
  if (is_ed25519(algorithm)) {
    return from_ed25519_seed(rng.secret(kEd25519SeedBytes).expose());
  }
  return from_ec(algorithm, ec_random_scalar(algorithm, rng).expose());
}

Result<PrivateKey> PrivateKey::from_pkcs8(ByteView der) {
  const auto parts = parse_pkcs8(der);
  if (!parts) {
    return fail(invalid_argument(
        "not a private key (PKCS#8 PrivateKeyInfo) of a known algorithm"));
  }
  TRY_ASSIGN(ImplPtr impl, impl_of(*parts));
  return PrivateKey(std::move(impl));
}

Result<PrivateKey> PrivateKey::from_ed25519_seed(ByteView seed) {
  TRY_ASSIGN(ImplPtr impl, ed25519_impl(seed, {}));
  return PrivateKey(std::move(impl));
}

Result<PrivateKey> PrivateKey::from_ec(AsymmetricAlgorithm curve, ByteView d) {
  TRY_ASSIGN(ImplPtr impl, ec_impl(curve, d, {}));
  return PrivateKey(std::move(impl));
}

Result<PrivateKey> PrivateKey::from_rsa(const RsaNumbers& numbers) {
  const auto digits = [](ByteView number) {
    return without_leading_zeros(number);
  };
  Pkcs8Parts parts;
  parts.algorithm = AsymmetricAlgorithm::kRsa;
  parts.rsa = {digits(numbers.n), digits(numbers.e), digits(numbers.d.expose()),
               digits(numbers.p.expose()), digits(numbers.q.expose())};
  TRY_ASSIGN(ImplPtr impl, impl_of(parts));
  return PrivateKey(std::move(impl));
}

SecretBytes PrivateKey::pkcs8_der() const {
  if (is_rsa(algorithm())) return rsa_with_parts(*impl_, write_pkcs8_rsa);
  if (is_ed25519(algorithm())) {
    return write_pkcs8_ed25519(
        impl_->ed25519.expose().first(kEd25519SeedBytes));
  }
  return write_ec(*impl_, write_pkcs8_ec);
}

SecretBytes PrivateKey::pkcs8_pem() const {
  return pem_encode_secret("PRIVATE KEY", pkcs8_der());
}

SecretBytes PrivateKey::traditional_pem() const {
  BULLA_ASSERT(!is_ed25519(algorithm()));
  if (is_rsa(algorithm())) {
    return pem_encode_secret("RSA PRIVATE KEY",
                             rsa_with_parts(*impl_, write_pkcs1));
  }
  return pem_encode_secret("EC PRIVATE KEY", write_ec(*impl_, write_sec1));
}

SecretBytes PrivateKey::ed25519_seed() const {
  BULLA_ASSERT(is_ed25519(algorithm()));
  return SecretBytes::copy_of(impl_->ed25519.expose().first(kEd25519SeedBytes));
}

RsaNumbers PrivateKey::rsa_numbers() const {
  BULLA_ASSERT(is_rsa(algorithm()));
  return rsa_private_numbers(*impl_);
}

EcNumbers PrivateKey::ec_numbers() const {
  EcNumbers numbers = public_key().ec_numbers();
  numbers.d = private_number(impl_->pkey.get(), OSSL_PKEY_PARAM_PRIV_KEY,
                             numbers.x.size());
  return numbers;
}

Result<Bytes> PrivateKey::sign(const SignatureScheme& scheme,
                               ByteView input) const {
  if (is_ed25519(algorithm())) return ed25519_sign(impl_->ed25519, input);
  if (is_rsa(algorithm())) return rsa_sign(*impl_, scheme, input);
  return ecdsa_sign(*impl_, scheme, input);
}

Result<SecretBytes> PrivateKey::decrypt(RsaEncryption padding,
                                        HashAlgorithm hash,
                                        ByteView ciphertext) const {
  BULLA_ASSERT(is_rsa(algorithm()));
  return rsa_decrypt(*impl_, padding, hash, ciphertext);
}

}  // namespace bulla::crypto
