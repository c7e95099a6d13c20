#pragma once

#include <array>

#include "crypto/asymmetric.h"
#include "crypto/context_pool.h"
#include "crypto/key_encoding.h"
#include "crypto/openssl.h"

namespace bulla::crypto {

/// What asymmetric.cc shares with the files of the algorithms; nobody else
/// uses it.

struct PublicKey::Impl {
  AsymmetricAlgorithm algorithm = AsymmetricAlgorithm::kEd25519;
  std::size_t bits = 0;
  Bytes spki;
  PkeyPtr pkey;  // RSA, EC
  mutable ContextPool contexts;

  /// What `spki` says.
  SpkiParts parts() const { return *parse_spki(spki); }
};

struct PrivateKey::Impl {
  explicit Impl(PublicKey key) : public_key(std::move(key)) {}
  PublicKey public_key;
  PkeyPtr pkey;         // RSA, EC
  SecretBytes ed25519;  // seed ‖ public key, as libsodium takes it
  mutable ContextPool contexts;
};

using PublicImpl = PublicKey::Impl;
using PrivateImpl = PrivateKey::Impl;

// ---- RSA ----

/// kInvalidArgument  a size or an exponent that is not ours.
Result<PkeyPtr> rsa_public(const SpkiParts& parts);
/// The same, and where the numbers do not belong together. That p and q are
/// prime is not proved: keys that lie about it harm their owner alone.
Result<PkeyPtr> rsa_private(const RsaParts& parts);
Result<PkeyPtr> rsa_generate(std::size_t bits);
/// Calls `use` with all numbers of `key`.
SecretBytes rsa_with_parts(const PrivateImpl& key,
                           SecretBytes (*use)(const RsaFullParts&));
RsaNumbers rsa_private_numbers(const PrivateImpl& key);

Result<Bytes> rsa_sign(const PrivateImpl& key, const SignatureScheme& scheme,
                       ByteView input);
Result<bool> rsa_verify(const PublicImpl& key, const SignatureScheme& scheme,
                        ByteView input, ByteView signature);
Result<Bytes> rsa_encrypt(const PublicImpl& key, RsaEncryption padding,
                          HashAlgorithm hash, ByteView plaintext);
Result<SecretBytes> rsa_decrypt(const PrivateImpl& key, RsaEncryption padding,
                                HashAlgorithm hash, ByteView ciphertext);

// ---- ECDSA ----

/// kInvalidArgument  the point is not on the curve.
Result<PkeyPtr> ec_public(const SpkiParts& parts);
/// kInvalidArgument  the scalar is 0, or not below the curve's order.
Result<Bytes> ec_point_of(AsymmetricAlgorithm curve, ByteView scalar);
Result<PkeyPtr> ec_private(AsymmetricAlgorithm curve, ByteView scalar,
                           ByteView point);
/// A scalar of the curve, fixed width (FIPS 186-5 A.2.2).
SecretBytes ec_random_scalar(AsymmetricAlgorithm curve, Rng& rng);
Result<Bytes> ecdsa_sign(const PrivateImpl& key, const SignatureScheme& scheme,
                         ByteView input);
Result<bool> ecdsa_verify(const PublicImpl& key, const SignatureScheme& scheme,
                          ByteView input, ByteView signature);

// ---- Ed25519 ----

/// seed ‖ public key. `seed` has 32 bytes.
SecretBytes ed25519_expand(ByteView seed);
Bytes ed25519_sign(const SecretBytes& expanded, ByteView input);
bool ed25519_verify(ByteView key, ByteView input, ByteView signature);

}  // namespace bulla::crypto
