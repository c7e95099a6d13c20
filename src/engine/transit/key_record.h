#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
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

/// When a key was backed up or restored, and what its latest version was.
struct KeyStamp {
  Time time;
  std::uint32_t version = 1;
};

/// Everything of a key but its versions' material: `key/<name>`. Of a bounded
/// size however often the key is rotated.
struct KeyRecord {
  static constexpr std::uint32_t kVersionMax = 0x7FFFFFFF;
  static constexpr std::size_t kNameBytesMax = 256;
  /// "No limit" as max_operations; far above what can be counted to.
  static constexpr std::uint64_t kOperationsMax = 0x7FFFFFFFFFFFFFFF;

  std::string name;
  KeyId id{};
  KeyType type = KeyType::kAes256Gcm96;
  Kdf kdf = Kdf::kCounter;
  bool derived = false;
  bool convergent = false;
  bool exportable = false;
  bool allow_plaintext_backup = false;
  bool deletion_allowed = false;
  bool imported = false;  ///< Until the first rotation.
  bool allow_imported_rotation = false;
  bool soft_deleted = false;
  std::uint32_t key_size = 0;  ///< Bytes; of hmac keys only.
  std::uint32_t latest_version = 1;
  std::uint32_t min_decryption_version = 1;
  std::uint32_t min_encryption_version = 0;  ///< 0: the latest or any allowed.
  std::uint32_t min_available_version = 0;   ///< 0: never trimmed.
  Time latest_created;
  Seconds auto_rotate_period{0};  ///< 0: never.
  /// Encryptions a version may do; 0: as many as the type allows.
  std::uint64_t max_operations = 0;
  std::optional<KeyStamp> backup_info;
  std::optional<KeyStamp> restore_info;

  /// Whether the server may add a version of its own making.
  bool may_rotate() const {
    return type != KeyType::kManagedKey &&
           (!imported || allow_imported_rotation);
  }
};

/// The key of an AEAD or CMAC type.
struct SymmetricMaterial {
  SecretBytes key;
};
/// The key of the type `hmac`.
struct HmacMaterial {
  SecretBytes key;
};
/// A key pair. Its certificates are public, as is `spki`.
struct KeyPairMaterial {
  SecretBytes pkcs8;  ///< DER; empty where only the public key was imported.
  Bytes spki;         ///< SubjectPublicKeyInfo, DER.
  std::vector<Bytes> certificates;  ///< DER, leaf first; empty: none set.
};
/// A key that an HSM has: which one, and its public half.
struct ManagedMaterial {
  std::string id;  ///< The managed key's UUID.
  Bytes spki;      ///< SubjectPublicKeyInfo, DER; empty: a symmetric key.
};
/// What makes up a version; one alternative a kind of material.
using Material = std::variant<SymmetricMaterial, HmacMaterial, KeyPairMaterial,
                              ManagedMaterial>;

/// One version: `version/<name>/<id>/<number as 8 hex digits>`.
struct VersionRecord {
  static constexpr std::size_t kCertificatesMax = 64;
  static constexpr std::size_t kCertificateBytesMax =
      512 * 1024;  // all of them

  KeyId key_id{};
  std::uint32_t number = 1;
  Time created;
  /// Of the convergent scheme, 3 today; 0 for keys that are not convergent.
  std::uint32_t convergent_version = 0;
  /// 32 bytes. Empty for the types `hmac` and `managed_key`, and in versions
  /// restored from a server so old that it had none.
  SecretBytes hmac_key;
  Material material;
};

/// How far a version may count its encryptions before more is written:
/// `usage/<name>/<id>/<number as 8 hex digits>`. It has done no more.
struct UsageRecord {
  std::uint64_t ceiling = 0;  ///< At most kOperationsMax.
};

SecretBytes encode(const KeyRecord& record);
SecretBytes encode(const VersionRecord& record);
Result<KeyRecord> decode_key_record(ByteView bytes);
Result<VersionRecord> decode_version_record(ByteView bytes);
SecretBytes encode(const UsageRecord& record);
Result<UsageRecord> decode_usage_record(ByteView bytes);
Material clone(const Material& material);
VersionRecord clone(const VersionRecord& record);

std::string key_path(std::string_view name);
/// All versions of that name, of whatever life of it; with the slash.
std::string versions_prefix(std::string_view name);
/// Those of one life of the name, with the slash.
std::string versions_prefix(std::string_view name, const KeyId& id);
std::string version_path(std::string_view name, const KeyId& id,
                         std::uint32_t number);
std::string usage_prefix(std::string_view name);
std::string usage_prefix(std::string_view name, const KeyId& id);
std::string usage_path(std::string_view name, const KeyId& id,
                       std::uint32_t number);
/// The number that such a path ends with; 0 when it ends otherwise.
std::uint32_t usage_number(std::string_view path);
/// Says that entries of that name are left over; holds nothing but a format.
std::string purge_path(std::string_view name);

}  // namespace bulla::engine::transit
