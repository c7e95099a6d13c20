#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "engine/transit/key_type.h"

namespace bulla::engine::transit {

/// What transit stores, in the layouts of docs/formats/transit-key.md. What is
/// read back is parsed as hostile: every decoder answers kCorrupt for anything
/// it would not write itself.

/// Tells one life of a name from the next: a version entry left over from a
/// deleted key never becomes a version of its successor.
using KeyId = std::array<std::uint8_t, 16>;

enum class Kdf : std::uint8_t {
  kCounter = 0,     ///< HMAC-SHA256 in counter mode: legacy and imported keys.
  kHkdfSha256 = 1,  ///< All keys made with derived=true.
};

/// Everything of a key but its versions' material: `key/<name>`. Of a bounded
/// size however often the key is rotated.
struct KeyRecord {
  static constexpr std::uint32_t kVersionMax = 0x7FFFFFFF;
  static constexpr std::size_t kNameBytesMax = 256;

  std::string name;
  KeyId id{};
  KeyType type = KeyType::kAes256Gcm96;
  Kdf kdf = Kdf::kCounter;
  bool derived = false;
  bool convergent = false;
  bool exportable = false;
  bool allow_plaintext_backup = false;
  bool deletion_allowed = false;
  std::uint32_t key_size = 0;  ///< Bytes; of hmac keys only.
  std::uint32_t latest_version = 1;
  std::uint32_t min_decryption_version = 1;
  std::uint32_t min_encryption_version = 0;  ///< 0: the latest or any allowed.
  std::uint32_t min_available_version = 0;   ///< 0: never trimmed.
  Time latest_created;
  Seconds auto_rotate_period{0};  ///< 0: never.
};

/// The key of an AEAD type.
struct SymmetricMaterial {
  SecretBytes key;
};
/// The key of the type `hmac`.
struct HmacMaterial {
  SecretBytes key;
};
/// What makes up a version; one alternative a family of types.
using Material = std::variant<SymmetricMaterial, HmacMaterial>;

/// One version: `version/<name>/<number as 8 hex digits>`.
struct VersionRecord {
  KeyId key_id{};
  std::uint32_t number = 1;
  Time created;
  /// Of the convergent scheme, 3 today; 0 for keys that are not convergent.
  std::uint32_t convergent_version = 0;
  SecretBytes hmac_key;  ///< 32 bytes; empty for the type `hmac`.
  Material material;
};

/// Versions below this one are to be deleted: `purge/<name>`. Written with the
/// commit that makes them unusable, removed when the last entry is gone.
struct PurgeRecord {
  static constexpr std::uint32_t kAll = 0xFFFFFFFF;
  std::uint32_t below = kAll;
};

SecretBytes encode(const KeyRecord& record);
SecretBytes encode(const VersionRecord& record);
SecretBytes encode(const PurgeRecord& record);
Result<KeyRecord> decode_key_record(ByteView bytes);
Result<VersionRecord> decode_version_record(ByteView bytes);
Result<PurgeRecord> decode_purge_record(ByteView bytes);

std::string key_path(std::string_view name);
std::string version_path(std::string_view name, std::uint32_t number);
/// All versions' common start, with the slash.
std::string versions_prefix(std::string_view name);
std::string purge_path(std::string_view name);

}  // namespace bulla::engine::transit
