#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "crypto/aead.h"
#include "crypto/asymmetric.h"

namespace bulla::engine::transit {

/// The types of named keys. The numbers are OpenBao's and stand in storage and
/// in backups (reference/transit.md §2); those that OpenBao does not have are
/// Vault's. Vault counts 10 and 11 otherwise.
enum class KeyType : std::uint32_t {
  kAes256Gcm96 = 0,
  kEcdsaP256 = 1,
  kEd25519 = 2,
  kRsa2048 = 3,
  kRsa4096 = 4,
  kChaCha20Poly1305 = 5,
  kEcdsaP384 = 6,
  kEcdsaP521 = 7,
  kAes128Gcm96 = 8,
  kRsa3072 = 9,
  kHmac = 10,
  kXChaCha20Poly1305 = 11,
  kAes128Cmac = 12,
  kAes256Cmac = 13,
  kAes192Cmac = 16,
  kManagedKey = 10001,  ///< Vault's 10, which is OpenBao's hmac.
};

/// What a version's material is.
enum class KeyFamily : std::uint8_t {
  kAead,     ///< SymmetricMaterial, of key_bytes
  kCmac,     ///< SymmetricMaterial, of key_bytes
  kHmac,     ///< HmacMaterial, as long as the key's key_size
  kKeyPair,  ///< KeyPairMaterial, of algorithm and bits
  kManaged,  ///< ManagedMaterial: an HSM has the key
};

/// What one type of key can do. A new type is a new row in key_type.cc.
struct KeyTypeInfo {
  KeyType type;
  std::string_view name;
  KeyFamily family;
  bool encrypts = false;  ///< Encrypts and decrypts.
  bool signs = false;     ///< Signs and verifies.
  bool derives = false;
  bool convergent = false;       ///< Convergent encryption, where derived.
  bool associated_data = false;  ///< Takes associated_data.
  bool upserts = false;          ///< May be made by an encrypt.
  bool shows_keys = false;       ///< The key body lists its versions.
  bool public_import = false;    ///< A public key alone can be imported.
  bool fips_allowed = true;      ///< Made and used in FIPS mode.
  /// Every encryption takes a random 96-bit nonce of AES-GCM, so that a
  /// version may seal 2^32 messages at most (NIST SP 800-38D §8.3).
  bool counts_nonces = false;
  /// Bytes of fresh material, of symmetric families but kHmac.
  std::size_t key_bytes = 0;
  std::optional<crypto::AeadAlgorithm> aead = std::nullopt;
  /// What an authentication failure is called, as Go's ciphers do.
  std::string_view forged_text = {};
  /// Key pairs only: what they are, and the name that the key body gives them.
  crypto::AsymmetricAlgorithm algorithm = crypto::AsymmetricAlgorithm::kRsa;
  std::size_t bits = 0;
  std::string_view public_name = {};

  bool macs() const { return family == KeyFamily::kCmac; }
  /// Makes and verifies HMACs.
  bool hmacs() const {
    return family != KeyFamily::kCmac && family != KeyFamily::kManaged;
  }
  /// Versions carry an HMAC key beside their material.
  bool has_hmac_key() const {
    return family != KeyFamily::kHmac && family != KeyFamily::kManaged;
  }
  /// An HSM has the key, and which operations there are depends on it.
  bool managed() const { return family == KeyFamily::kManaged; }
  bool key_pair() const { return family == KeyFamily::kKeyPair; }
  bool rsa() const {
    return key_pair() && algorithm == crypto::AsymmetricAlgorithm::kRsa;
  }
  bool ed25519() const {
    return key_pair() && algorithm == crypto::AsymmetricAlgorithm::kEd25519;
  }
};

/// The fixed lengths of the key type `hmac`, in bytes.
constexpr std::size_t kHmacKeyBytesMin = 32;
constexpr std::size_t kHmacKeyBytesMax = 512;

/// Null when there is no such type.
const KeyTypeInfo* find_key_type(std::string_view name);
const KeyTypeInfo* find_key_type(std::uint32_t number);
const KeyTypeInfo& key_type_info(KeyType type);
/// All whose keys are made here: all but managed_key.
std::span<const KeyTypeInfo> all_key_types();

}  // namespace bulla::engine::transit
