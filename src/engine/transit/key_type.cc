#include "engine/transit/key_type.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace bulla::engine::transit {
namespace {

using crypto::AeadAlgorithm;
using crypto::AsymmetricAlgorithm;

constexpr std::string_view kGcmForged = "cipher: message authentication failed";
constexpr std::string_view kChaChaForged =
    "chacha20poly1305: message authentication failed";

constexpr KeyTypeInfo aead_row(KeyType type, std::string_view name,
                               std::size_t key_bytes, AeadAlgorithm algorithm) {
  const bool gcm = algorithm == AeadAlgorithm::kAes128Gcm ||
                   algorithm == AeadAlgorithm::kAes256Gcm;
  return {.type = type,
          .name = name,
          .family = KeyFamily::kAead,
          .encrypts = true,
          .derives = true,
          .convergent = true,
          .associated_data = true,
          .upserts = true,
          .shows_keys = true,
          .fips_allowed = gcm,
          .counts_nonces = gcm,
          .key_bytes = key_bytes,
          .aead = algorithm,
          .forged_text = gcm ? kGcmForged : kChaChaForged};
}

constexpr KeyTypeInfo key_pair_row(KeyType type, std::string_view name,
                                   AsymmetricAlgorithm algorithm,
                                   std::size_t bits,
                                   std::string_view public_name) {
  const bool ed25519 = algorithm == AsymmetricAlgorithm::kEd25519;
  return {.type = type,
          .name = name,
          .family = KeyFamily::kKeyPair,
          .encrypts = algorithm == AsymmetricAlgorithm::kRsa,
          .signs = true,
          .derives = ed25519,
          .shows_keys = true,
          .public_import = true,
          .fips_allowed = !ed25519,
          .algorithm = algorithm,
          .bits = bits,
          .public_name = public_name};
}

constexpr KeyTypeInfo cmac_row(KeyType type, std::string_view name,
                               std::size_t key_bytes) {
  return {.type = type,
          .name = name,
          .family = KeyFamily::kCmac,
          .key_bytes = key_bytes};
}

constexpr std::array kTypes{
    aead_row(KeyType::kAes256Gcm96, "aes256-gcm96", 32,
             AeadAlgorithm::kAes256Gcm),
    aead_row(KeyType::kAes128Gcm96, "aes128-gcm96", 16,
             AeadAlgorithm::kAes128Gcm),
    aead_row(KeyType::kChaCha20Poly1305, "chacha20-poly1305", 32,
             AeadAlgorithm::kChaCha20Poly1305),
    aead_row(KeyType::kXChaCha20Poly1305, "xchacha20-poly1305", 32,
             AeadAlgorithm::kXChaCha20Poly1305),
    key_pair_row(KeyType::kEd25519, "ed25519", AsymmetricAlgorithm::kEd25519,
                 256, "ed25519"),
    key_pair_row(KeyType::kEcdsaP256, "ecdsa-p256",
                 AsymmetricAlgorithm::kEcdsaP256, 256, "P-256"),
    key_pair_row(KeyType::kEcdsaP384, "ecdsa-p384",
                 AsymmetricAlgorithm::kEcdsaP384, 384, "P-384"),
    key_pair_row(KeyType::kEcdsaP521, "ecdsa-p521",
                 AsymmetricAlgorithm::kEcdsaP521, 521, "P-521"),
    key_pair_row(KeyType::kRsa2048, "rsa-2048", AsymmetricAlgorithm::kRsa, 2048,
                 "rsa-2048"),
    key_pair_row(KeyType::kRsa3072, "rsa-3072", AsymmetricAlgorithm::kRsa, 3072,
                 "rsa-3072"),
    key_pair_row(KeyType::kRsa4096, "rsa-4096", AsymmetricAlgorithm::kRsa, 4096,
                 "rsa-4096"),
    KeyTypeInfo{
        .type = KeyType::kHmac, .name = "hmac", .family = KeyFamily::kHmac},
    cmac_row(KeyType::kAes128Cmac, "aes128-cmac", 16),
    cmac_row(KeyType::kAes192Cmac, "aes192-cmac", 24),
    cmac_row(KeyType::kAes256Cmac, "aes256-cmac", 32),
    // The last: see all_key_types(). An AES key's nonces are random.
    KeyTypeInfo{.type = KeyType::kManagedKey,
                .name = "managed_key",
                .family = KeyFamily::kManaged,
                .encrypts = true,
                .signs = true,
                .associated_data = true,
                .shows_keys = true,
                .counts_nonces = true},
};

}  // namespace

const KeyTypeInfo* find_key_type(std::string_view name) {
  const auto* const row = std::ranges::find(kTypes, name, &KeyTypeInfo::name);
  return row == kTypes.end() ? nullptr : row;
}

const KeyTypeInfo* find_key_type(std::uint32_t number) {
  const auto* const row =
      std::ranges::find(kTypes, KeyType{number}, &KeyTypeInfo::type);
  return row == kTypes.end() ? nullptr : row;
}

const KeyTypeInfo& key_type_info(KeyType type) {
  const KeyTypeInfo* row = find_key_type(static_cast<std::uint32_t>(type));
  BULLA_ASSERT(row != nullptr);
  return *row;
}

std::span<const KeyTypeInfo> all_key_types() {
  return std::span(kTypes).first(kTypes.size() - 1);
}

}  // namespace bulla::engine::transit
