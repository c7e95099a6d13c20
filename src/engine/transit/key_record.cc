#include "engine/transit/key_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
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
  kImported = 32,
  kImportedRotation = 64,
  kSoftDeleted = 128,
  kBackedUp = 256,  // a stamp follows
  kRestored = 512,  // a stamp follows
  kAllFlags = 1023,
};

std::uint32_t flags_of(const KeyRecord& r) {
  return (r.derived ? kDerived : 0U) | (r.convergent ? kConvergent : 0U) |
         (r.exportable ? kExportable : 0U) |
         (r.allow_plaintext_backup ? kPlaintextBackup : 0U) |
         (r.deletion_allowed ? kDeletionAllowed : 0U) |
         (r.imported ? kImported : 0U) |
         (r.allow_imported_rotation ? kImportedRotation : 0U) |
         (r.soft_deleted ? kSoftDeleted : 0U) |
         (r.backup_info ? kBackedUp : 0U) | (r.restore_info ? kRestored : 0U);
}

void set_flags(KeyRecord& r, std::uint32_t flags) {
  r.derived = (flags & kDerived) != 0;
  r.convergent = (flags & kConvergent) != 0;
  r.exportable = (flags & kExportable) != 0;
  r.allow_plaintext_backup = (flags & kPlaintextBackup) != 0;
  r.deletion_allowed = (flags & kDeletionAllowed) != 0;
  r.imported = (flags & kImported) != 0;
  r.allow_imported_rotation = (flags & kImportedRotation) != 0;
  r.soft_deleted = (flags & kSoftDeleted) != 0;
}

void write_stamp(WireWriter& w, const std::optional<KeyStamp>& stamp) {
  if (stamp) w.i64(unix_nanos(stamp->time)).u32(stamp->version);
}

std::optional<KeyStamp> read_stamp(WireReader& reader, bool there) {
  if (!there) return std::nullopt;
  const Time time = from_unix_nanos(reader.i64());
  return KeyStamp{.time = time, .version = reader.u32()};
}

bool stamp_plausible(const std::optional<KeyStamp>& stamp) {
  return !stamp ||
         (stamp->time.time_since_epoch().count() >= 0 && stamp->version >= 1 &&
          stamp->version <= KeyRecord::kVersionMax);
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
  w.i64(record.auto_rotate_period.count()).u64(record.max_operations);
  write_stamp(w, record.backup_info);
  write_stamp(w, record.restore_info);
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
  record.max_operations = reader.u64();
  record.backup_info = read_stamp(reader, (flags & kBackedUp) != 0);
  record.restore_info = read_stamp(reader, (flags & kRestored) != 0);
  TRY(reader.finish(kWhat));
  const KeyTypeInfo* info = find_key_type(type);
  if (format != kFormat || !id_ok || info == nullptr || kdf > 1 ||
      (flags & ~std::uint32_t{kAllFlags}) != 0 || record.name.empty() ||
      record.name.size() > KeyRecord::kNameBytesMax ||
      record.key_size > kHmacKeyBytesMax ||
      record.latest_created.time_since_epoch().count() < 0 ||
      record.auto_rotate_period.count() < 0 ||
      record.max_operations > KeyRecord::kOperationsMax ||
      !stamp_plausible(record.backup_info) ||
      !stamp_plausible(record.restore_info) || !versions_plausible(record)) {
    return fail(implausible(kWhat));
  }
  record.type = info->type;
  record.kdf = Kdf{kdf};
  set_flags(record, flags);
  return record;
}

SecretBytes encode(const UsageRecord& record) {
  WireWriter w;
  w.u8(kFormat).u64(record.ceiling);
  return std::move(w).finish();
}

Result<UsageRecord> decode_usage_record(ByteView bytes) {
  constexpr std::string_view kWhat = "transit usage record";
  WireReader reader(bytes);
  const std::uint8_t format = reader.u8();
  const UsageRecord record{.ceiling = reader.u64()};
  TRY(reader.finish(kWhat));
  if (format != kFormat || record.ceiling > KeyRecord::kOperationsMax) {
    return fail(implausible(kWhat));
  }
  return record;
}

std::string key_path(std::string_view name) {
  return fmt::format("key/{}", name);
}
std::string versions_prefix(std::string_view name) {
  return fmt::format("version/{}/", name);
}
std::string versions_prefix(std::string_view name, const KeyId& id) {
  return fmt::format("version/{}/{}/", name, hex_encode(id));
}
std::string version_path(std::string_view name, const KeyId& id,
                         std::uint32_t number) {
  return fmt::format("version/{}/{}/{:08x}", name, hex_encode(id), number);
}
std::string usage_prefix(std::string_view name) {
  return fmt::format("usage/{}/", name);
}
std::string usage_prefix(std::string_view name, const KeyId& id) {
  return fmt::format("usage/{}/{}/", name, hex_encode(id));
}
std::string usage_path(std::string_view name, const KeyId& id,
                       std::uint32_t number) {
  return fmt::format("usage/{}/{}/{:08x}", name, hex_encode(id), number);
}
std::uint32_t usage_number(std::string_view path) {
  constexpr std::size_t kDigits = 8;
  if (path.size() < kDigits) return 0;
  std::array<std::uint8_t, kDigits / 2> bytes{};
  const auto decoded = hex_decode(path.substr(path.size() - kDigits));
  if (!decoded) return 0;
  std::ranges::copy(*decoded, bytes.begin());
  return get_be32(bytes.data());
}
std::string purge_path(std::string_view name) {
  return fmt::format("purge/{}", name);
}

}  // namespace bulla::engine::transit
