#include "engine/transit/key_type.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kGcmForged = "cipher: message authentication failed";
constexpr std::string_view kChaChaForged =
    "chacha20poly1305: message authentication failed";

// One AEAD type: all of them do the same things.
constexpr KeyTypeInfo aead_row(KeyType type, std::string_view name,
                               std::size_t key_bytes,
                               crypto::AeadAlgorithm algorithm,
                               std::string_view forged) {
  return {.type = type,
          .name = name,
          .encrypts = true,
          .decrypts = true,
          .signs = false,
          .derives = true,
          .convergent = true,
          .upserts = true,
          .shows_keys = true,
          .key_bytes = key_bytes,
          .aead = algorithm,
          .forged_text = forged};
}

using crypto::AeadAlgorithm;

constexpr std::array kTypes{
    aead_row(KeyType::kAes256Gcm96, "aes256-gcm96", 32,
             AeadAlgorithm::kAes256Gcm, kGcmForged),
    aead_row(KeyType::kAes128Gcm96, "aes128-gcm96", 16,
             AeadAlgorithm::kAes128Gcm, kGcmForged),
    aead_row(KeyType::kChaCha20Poly1305, "chacha20-poly1305", 32,
             AeadAlgorithm::kChaCha20Poly1305, kChaChaForged),
    aead_row(KeyType::kXChaCha20Poly1305, "xchacha20-poly1305", 32,
             AeadAlgorithm::kXChaCha20Poly1305, kChaChaForged),
    KeyTypeInfo{.type = KeyType::kHmac,
                .name = "hmac",
                .encrypts = false,
                .decrypts = false,
                .signs = false,
                .derives = false,
                .convergent = false,
                .upserts = false,
                .shows_keys = false,
                .key_bytes = 0,
                .aead = std::nullopt,
                .forged_text = {}},
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

}  // namespace bulla::engine::transit
