#include "engine/transit/key_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/wire.h"

namespace bulla::engine::transit {
namespace {

constexpr std::uint8_t kFormat = 1;

enum Flag : std::uint32_t {
  kDerived = 1,
  kConvergent = 2,
  kExportable = 4,
  kPlaintextBackup = 8,
  kDeletionAllowed = 16,
  kAllFlags = 31,
};
enum MaterialTag : std::uint8_t { kSymmetric = 1, kHmac = 2 };

constexpr std::size_t kMaterialBytesMax = 512;
constexpr std::size_t kHmacKeyBytes = 32;
constexpr std::uint32_t kConvergentVersionMax = 3;

std::uint32_t flags_of(const KeyRecord& r) {
  return (r.derived ? kDerived : 0U) | (r.convergent ? kConvergent : 0U) |
         (r.exportable ? kExportable : 0U) |
         (r.allow_plaintext_backup ? kPlaintextBackup : 0U) |
         (r.deletion_allowed ? kDeletionAllowed : 0U);
}

void set_flags(KeyRecord& r, std::uint32_t flags) {
  r.derived = (flags & kDerived) != 0;
  r.convergent = (flags & kConvergent) != 0;
  r.exportable = (flags & kExportable) != 0;
  r.allow_plaintext_backup = (flags & kPlaintextBackup) != 0;
  r.deletion_allowed = (flags & kDeletionAllowed) != 0;
}

bool read_id(WireReader& reader, KeyId& id) {
  const ByteView bytes = reader.bytes();
  if (bytes.size() != id.size()) return false;
  std::ranges::copy(bytes, id.begin());
  return true;
}

bool versions_plausible(const KeyRecord& r) {
  return r.latest_version >= 1 && r.latest_version <= KeyRecord::kVersionMax &&
         r.min_decryption_version >= 1 &&
         r.min_decryption_version <= r.latest_version &&
         r.min_encryption_version <= r.latest_version &&
         r.min_available_version <= r.min_decryption_version;
}

Error implausible(std::string_view what) {
  return corrupt(fmt::format("{}: a field is out of its range", what));
}

}  // namespace

SecretBytes encode(const KeyRecord& record) {
  WireWriter w;
  w.u8(kFormat).text(record.name).bytes(record.id);
  w.u32(static_cast<std::uint32_t>(record.type));
  w.u8(static_cast<std::uint8_t>(record.kdf)).u32(flags_of(record));
  w.u32(record.key_size).u32(record.latest_version);
  w.u32(record.min_decryption_version).u32(record.min_encryption_version);
  w.u32(record.min_available_version).i64(unix_nanos(record.latest_created));
  w.i64(record.auto_rotate_period.count());
  return std::move(w).finish();
}

Result<KeyRecord> decode_key_record(ByteView bytes) {
  constexpr std::string_view kWhat = "transit key record";
  WireReader reader(bytes);
  KeyRecord record;
  const std::uint8_t format = reader.u8();
  record.name = std::string(reader.text());
  const bool id_ok = read_id(reader, record.id);
  const std::uint32_t type = reader.u32();
  const std::uint8_t kdf = reader.u8();
  const std::uint32_t flags = reader.u32();
  record.key_size = reader.u32();
  record.latest_version = reader.u32();
  record.min_decryption_version = reader.u32();
  record.min_encryption_version = reader.u32();
  record.min_available_version = reader.u32();
  record.latest_created = from_unix_nanos(reader.i64());
  record.auto_rotate_period = Seconds(reader.i64());
  TRY(reader.finish(kWhat));
  const KeyTypeInfo* info = find_key_type(type);
  if (format != kFormat || !id_ok || info == nullptr || kdf > 1 ||
      (flags & ~std::uint32_t{kAllFlags}) != 0 || record.name.empty() ||
      record.name.size() > KeyRecord::kNameBytesMax ||
      record.key_size > kMaterialBytesMax ||
      record.latest_created.time_since_epoch().count() < 0 ||
      record.auto_rotate_period.count() < 0 || !versions_plausible(record)) {
    return fail(implausible(kWhat));
  }
  record.type = info->type;
  record.kdf = Kdf{kdf};
  set_flags(record, flags);
  return record;
}

SecretBytes encode(const VersionRecord& record) {
  WireWriter w;
  w.u8(kFormat).bytes(record.key_id).u32(record.number);
  w.i64(unix_nanos(record.created)).u32(record.convergent_version);
  w.bytes(record.hmac_key.expose());
  if (const auto* key = std::get_if<SymmetricMaterial>(&record.material)) {
    w.u8(kSymmetric).bytes(key->key.expose());
  } else {
    w.u8(kHmac).bytes(std::get<HmacMaterial>(record.material).key.expose());
  }
  return std::move(w).finish();
}

Result<VersionRecord> decode_version_record(ByteView bytes) {
  constexpr std::string_view kWhat = "transit key version";
  WireReader reader(bytes);
  VersionRecord record;
  const std::uint8_t format = reader.u8();
  const bool id_ok = read_id(reader, record.key_id);
  record.number = reader.u32();
  record.created = from_unix_nanos(reader.i64());
  record.convergent_version = reader.u32();
  const ByteView hmac_key = reader.bytes();
  const std::uint8_t tag = reader.u8();
  const ByteView key = reader.bytes();
  TRY(reader.finish(kWhat));
  const bool hmac = tag == kHmac;
  if (format != kFormat || !id_ok || record.number < 1 ||
      record.number > KeyRecord::kVersionMax ||
      record.convergent_version > kConvergentVersionMax ||
      hmac_key.size() != (hmac ? 0 : kHmacKeyBytes) ||
      (tag != kSymmetric && !hmac) || key.empty() ||
      key.size() > kMaterialBytesMax) {
    return fail(implausible(kWhat));
  }
  record.hmac_key = SecretBytes::copy_of(hmac_key);
  if (hmac) {
    record.material = HmacMaterial{SecretBytes::copy_of(key)};
  } else {
    record.material = SymmetricMaterial{SecretBytes::copy_of(key)};
  }
  return record;
}

SecretBytes encode(const PurgeRecord& record) {
  WireWriter w;
  w.u8(kFormat).u32(record.below);
  return std::move(w).finish();
}

Result<PurgeRecord> decode_purge_record(ByteView bytes) {
  constexpr std::string_view kWhat = "transit purge record";
  WireReader reader(bytes);
  const std::uint8_t format = reader.u8();
  PurgeRecord record{.below = reader.u32()};
  TRY(reader.finish(kWhat));
  if (format != kFormat) return fail(implausible(kWhat));
  return record;
}

std::string key_path(std::string_view name) {
  return fmt::format("key/{}", name);
}
std::string versions_prefix(std::string_view name) {
  return fmt::format("version/{}/", name);
}
std::string version_path(std::string_view name, std::uint32_t number) {
  return fmt::format("version/{}/{:08x}", name, number);
}
std::string purge_path(std::string_view name) {
  return fmt::format("purge/{}", name);
}

}  // namespace bulla::engine::transit
