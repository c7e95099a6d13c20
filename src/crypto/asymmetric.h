#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/hash.h"
#include "crypto/rng.h"

namespace bulla::crypto {

enum class AsymmetricAlgorithm : std::uint8_t {
  kEd25519,    // RFC 8032, pure
  kEcdsaP256,  // FIPS 186-5
  kEcdsaP384,
  kEcdsaP521,
  kRsa,  // RFC 8017; 2048, 3072 or 4096 bit
};

enum class RsaPadding : std::uint8_t { kPss, kPkcs1v15 };
enum class EcdsaEncoding : std::uint8_t {
  kDer,    // SEQUENCE { r, s } (RFC 3279)
  kFixed,  // r ‖ s, each as long as the curve's order (IEEE P1363, JWS)
};

/// PSS salt lengths that are rules, not lengths in bytes.
constexpr int kPssSaltAuto = 0;   // sign: as long as fits; verify: any
constexpr int kPssSaltHash = -1;  // as long as the hash

/// How a message is signed. What does not concern the key's algorithm is not
/// read: Ed25519 reads none of it, ECDSA no RSA member.
struct SignatureScheme {
  /// Absent: the input is signed as it is; PKCS#1 v1.5 without DigestInfo,
  /// never PSS. ECDSA takes the leftmost bits of what exceeds the curve's
  /// order, prehashed or not, as Go does.
  std::optional<HashAlgorithm> hash = HashAlgorithm::kSha2_256;
  bool prehashed = false;  ///< The input is the hash already.
  RsaPadding padding = RsaPadding::kPss;
  int salt_length = kPssSaltAuto;
  EcdsaEncoding encoding = EcdsaEncoding::kDer;
};

enum class RsaEncryption : std::uint8_t { kOaep, kPkcs1v15 };

/// An RSA key in numbers, big-endian; ours come without leading zeros, yours
/// may have some. The private half is empty for a public key.
struct RsaNumbers {
  Bytes n;
  Bytes e;
  SecretBytes d;
  SecretBytes p;
  SecretBytes q;
};
/// A point of a named curve and, for a private key, its scalar; big-endian,
/// each as long as the curve's field.
struct EcNumbers {
  Bytes x;
  Bytes y;
  SecretBytes d;
};

/// An ECDSA signature of r ‖ s in DER.
Bytes ecdsa_der(ByteView fixed);

/// The public half of a key pair. Immutable; copies share; any thread.
class PublicKey {
 public:
  /// SubjectPublicKeyInfo (RFC 5280), DER or PEM; input is hostile.
  /// EC points are uncompressed, curves named; text around the one PEM block
  /// is skipped.
  ///   kInvalidArgument  not one, with trailing bytes, or of an algorithm,
  ///                     curve or size that is not in AsymmetricAlgorithm.
  static Result<PublicKey> from_spki_der(ByteView der);
  static Result<PublicKey> from_spki_pem(std::string_view pem);
  /// `raw` has 32 bytes. kInvalidArgument otherwise.
  static Result<PublicKey> from_ed25519(ByteView raw);
  /// A modulus and an exponent, big-endian. As from_spki_der.
  static Result<PublicKey> from_rsa(ByteView n, ByteView e);

  AsymmetricAlgorithm algorithm() const;
  /// Of the modulus, or of the curve's field.
  std::size_t bits() const;
  Bytes spki_der() const;
  std::string spki_pem() const;  ///< With a newline at the end.
  Bytes ed25519_raw() const;     ///< kEd25519 only.
  RsaNumbers rsa_numbers() const;
  EcNumbers ec_numbers() const;
  friend bool operator==(const PublicKey& a, const PublicKey& b);

  /// Whether `signature` is this key's over `input`; false for any signature
  /// of the right form that is not.
  ///   kInvalidArgument  ECDSA in DER that is not one ("supplied signature is
  ///                     invalid", "supplied signature contains extra data");
  ///                     a salt length that does not fit ("requested salt
  ///                     length N is invalid"); PSS without a hash.
  ///   kInternal         prehashed input of the wrong length for RSA
  ///                     ("crypto/rsa: input must be hashed message", and
  ///                     for PSS "… with given hash").
  Result<bool> verify(const SignatureScheme& scheme, ByteView input,
                      ByteView signature) const;

  /// RSA only. OAEP uses `hash` for both label and MGF1, the label is empty.
  ///   kInternal  "failed to RSA encrypt the plaintext: crypto/rsa: message
  ///              too long for RSA key size".
  Result<Bytes> encrypt(RsaEncryption padding, HashAlgorithm hash,
                        ByteView plaintext) const;

  struct Impl;

 private:
  friend class PrivateKey;
  explicit PublicKey(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// A key pair whose private numbers are in OpenSSL's secure heap
/// (start_secure_heap()) or in SecretBytes. What OpenSSL derives from an RSA
/// key's primes when it is first used lies in its ordinary heap, wiped with
/// the key. Move-only; safe to use from many threads at once.
///
/// Whatever makes one answers kExhausted where no secure memory is left.
class PrivateKey {
 public:
  /// `bits` is read for RSA only, which draws from OpenSSL's own generator:
  /// 2048, 3072 or 4096. Takes up to seconds for RSA.
  ///   kInvalidArgument  another size.
  static Result<PrivateKey> generate(AsymmetricAlgorithm algorithm,
                                     std::size_t bits, Rng& rng);
  /// PKCS#8 PrivateKeyInfo (RFC 5958, RFC 8410); input is hostile. An RSA key
  /// may have the OID of RSASSA-PSS, an Ed25519 key the EC form that NSS
  /// writes. What follows from n, e, d, p and q is not read but computed.
  ///   kInvalidArgument  not one, or not of AsymmetricAlgorithm; numbers that
  ///   do
  ///                     not belong together; a public key that is another's.
  static Result<PrivateKey> from_pkcs8(ByteView der);
  /// The 32-byte seed of RFC 8032.
  static Result<PrivateKey> from_ed25519_seed(ByteView seed);
  /// kInvalidArgument  `d` is 0, or not below the curve's order.
  static Result<PrivateKey> from_ec(AsymmetricAlgorithm curve, ByteView d);
  /// kInvalidArgument  another size than 2048, 3072 or 4096 bits, an exponent
  ///                   of more than 31 bits, n ≠ p·q, or d·e ≠ 1 modulo p-1 or
  ///                   q-1. That p and q are prime is not proved.
  static Result<PrivateKey> from_rsa(const RsaNumbers& numbers);

  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();

  AsymmetricAlgorithm algorithm() const { return public_key().algorithm(); }
  const PublicKey& public_key() const;

  SecretBytes pkcs8_der() const;
  /// "BEGIN PRIVATE KEY"; with a newline at the end.
  SecretBytes pkcs8_pem() const;
  /// The algorithm's own form with a newline at the end: "BEGIN RSA PRIVATE
  /// KEY" (RFC 8017 A.1.2) or "BEGIN EC PRIVATE KEY" (RFC 5915). RSA and EC
  /// only.
  SecretBytes traditional_pem() const;
  SecretBytes ed25519_seed() const;  ///< kEd25519 only; 32 bytes.
  RsaNumbers rsa_numbers() const;
  EcNumbers ec_numbers() const;

  ///   kInvalidArgument  a salt length that does not fit ("requested salt
  ///                     length N is invalid"); PSS without a hash.
  ///   kInternal         prehashed input of the wrong length for RSA
  ///                     ("crypto/rsa: input must be hashed message", and
  ///                     for PSS "… with given hash"); without
  ///                     a hash, one that is too long ("crypto/rsa: message
  ///                     too long for RSA key size").
  ///   kExhausted        no secure memory left: ECDSA takes a little for each
  ///                     signature.
  Result<Bytes> sign(const SignatureScheme& scheme, ByteView input) const;

  /// RSA only; PKCS#1 v1.5 answers random bytes of unpredictable length for a
  /// bad padding where OpenSSL's implicit rejection is there, else fails.
  ///   kInternal  "failed to RSA decrypt the ciphertext: crypto/rsa:
  ///              decryption error", whatever was wrong.
  Result<SecretBytes> decrypt(RsaEncryption padding, HashAlgorithm hash,
                              ByteView ciphertext) const;

  struct Impl;

 private:
  explicit PrivateKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Makes OpenSSL wipe what its decoder of RSA keys frees, which it does not by
/// itself. Once a process, before anything else of OpenSSL (curl's start
/// included); false when it is too late for that.
bool wipe_decoder_memory();

/// Gives OpenSSL a locked, guarded, undumpable heap for private numbers, once a
/// process, before any key is made; later calls answer as the first did.
/// `bytes` is a power of two; all of it counts against the limit on locked
/// memory, though pages are taken as they are used: an RSA-2048 key takes 1
/// KiB, RSA-4096 2 KiB, P-256 32 bytes. Calls wipe_decoder_memory().
///
/// False when it could not be locked; the heap then serves all the same,
/// unlocked. Once it is exhausted, no key can be made (kExhausted) until others
/// are destroyed. Without it private numbers lie in the ordinary heap.
bool start_secure_heap(std::size_t bytes);

}  // namespace bulla::crypto
