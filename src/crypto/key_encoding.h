#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "crypto/asymmetric.h"

namespace bulla::crypto {

/// The ASN.1 of keys, apart from what the numbers mean. Views point into the
/// bytes they were read from, or belong to the caller.

/// An RSA private key's numbers (RFC 8017 A.1.2), big-endian.
struct RsaParts {
  ByteView n;
  ByteView e;
  ByteView d;
  ByteView p;
  ByteView q;
};
/// The same with what can be computed from them.
struct RsaFullParts {
  RsaParts key;
  ByteView dp;
  ByteView dq;
  ByteView q_inverse;
};

/// What a SubjectPublicKeyInfo holds. One of the two halves is set.
struct SpkiParts {
  AsymmetricAlgorithm algorithm = AsymmetricAlgorithm::kEd25519;
  ByteView n;  ///< kRsa
  ByteView e;
  ByteView point;  ///< An EC point (SEC 1, uncompressed) or Ed25519's bytes
};

/// What a PKCS#8 PrivateKeyInfo holds.
struct Pkcs8Parts {
  AsymmetricAlgorithm algorithm = AsymmetricAlgorithm::kEd25519;
  RsaParts rsa;         ///< kRsa
  ByteView secret;      ///< The scalar of a curve, or Ed25519's seed
  ByteView public_key;  ///< As in SpkiParts::point; empty if not given
};

constexpr std::size_t kEd25519PublicBytes = 32;
constexpr std::size_t kEd25519SeedBytes = 32;
/// Of a coordinate or a scalar; a curve only.
std::size_t ec_field_bytes(AsymmetricAlgorithm curve);
constexpr std::size_t kEcFieldBytesMax = 66;

/// Nothing where the bytes are not of the form, or of an algorithm, curve or
/// form of parameters that is not ours.
std::optional<SpkiParts> parse_spki(ByteView der);
std::optional<Pkcs8Parts> parse_pkcs8(ByteView der);

Bytes write_spki(const SpkiParts& parts);
/// PKCS#8, version 0: for an EC key with its public key, as Go writes it.
SecretBytes write_pkcs8_rsa(const RsaFullParts& parts);
SecretBytes write_pkcs8_ec(const Pkcs8Parts& parts);
SecretBytes write_pkcs8_ed25519(ByteView seed);
/// The algorithm's own form: PKCS#1, or SEC 1 (RFC 5915) with the curve.
SecretBytes write_pkcs1(const RsaFullParts& parts);
SecretBytes write_sec1(const Pkcs8Parts& parts);

}  // namespace bulla::crypto
