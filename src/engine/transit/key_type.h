#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "crypto/aead.h"

namespace bulla::engine::transit {

/// The types of named keys. The numbers are OpenBao's and stand in storage and
/// in backups (reference/transit.md §2); Vault counts 10 and 11 otherwise.
enum class KeyType : std::uint32_t {
  kAes256Gcm96 = 0,
  kChaCha20Poly1305 = 5,
  kAes128Gcm96 = 8,
  kHmac = 10,
  kXChaCha20Poly1305 = 11,
};

/// What one type of key can do. A new type is a new row in key_type.cc.
struct KeyTypeInfo {
  KeyType type;
  std::string_view name;
  bool encrypts;
  bool decrypts;
  bool signs;
  bool derives;
  bool convergent;  ///< Convergent encryption, where derived.
  bool upserts;     ///< May be made by an encrypt.
  bool shows_keys;  ///< The key body lists its versions.
  /// Bytes of fresh material; 0: the caller's key_size says.
  std::size_t key_bytes;
  std::optional<crypto::AeadAlgorithm> aead;
  /// What an authentication failure is called, as Go's ciphers do.
  std::string_view forged_text;
};

constexpr std::size_t kHmacKeyBytesMin = 32;
constexpr std::size_t kHmacKeyBytesMax = 512;

/// Null when there is no such type.
const KeyTypeInfo* find_key_type(std::string_view name);
const KeyTypeInfo* find_key_type(std::uint32_t number);
const KeyTypeInfo& key_type_info(KeyType type);

}  // namespace bulla::engine::transit
