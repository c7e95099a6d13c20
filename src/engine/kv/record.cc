#include "engine/kv/record.h"

#include <fmt/format.h>

#include "base/wire.h"

namespace bulla::engine::kv {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kUuidBytes = 36;

enum RecordFlag : std::uint8_t { kCas = 1, kMetadataCas = 2, kAllFlags = 3 };
enum VersionFlag : std::uint8_t { kDestroyed = 1, kDeletion = 2, kAllOfIt = 3 };

std::uint8_t cas_flags(bool cas, bool metadata_cas) {
  return static_cast<std::uint8_t>((cas ? kCas : 0) |
                                   (metadata_cas ? kMetadataCas : 0));
}

void write_versions(WireWriter& w, const Record& record) {
  w.u32(static_cast<std::uint32_t>(record.versions.size()));
  for (const auto& [number, version] : record.versions) {
    w.u64(number).u8(
        static_cast<std::uint8_t>((version.destroyed ? kDestroyed : 0) |
                                  (version.deletion ? kDeletion : 0)));
    w.i64(unix_nanos(version.created));
    if (version.deletion) w.i64(unix_nanos(*version.deletion));
  }
}

// Names in ascending order, each once.
bool read_custom(WireReader& reader, Record& record) {
  bool ok = true;
  for (std::uint32_t left = reader.u32(); left > 0 && !reader.failed();
       --left) {
    std::string key(reader.text());
    ok = ok && (record.custom.empty() || record.custom.rbegin()->first < key);
    record.custom.insert_or_assign(std::move(key), std::string(reader.text()));
  }
  return ok;
}

bool read_version(WireReader& reader, Record& record) {
  const std::uint64_t number = reader.u64();
  const std::uint8_t flags = reader.u8();
  Version version;
  version.created = from_unix_nanos(reader.i64());
  version.destroyed = (flags & kDestroyed) != 0;
  if ((flags & kDeletion) != 0) {
    version.deletion = from_unix_nanos(reader.i64());
  }
  const bool ascending =
      number >= 1 && number <= record.current &&
      (record.versions.empty() || record.versions.rbegin()->first < number);
  if ((flags & ~kAllOfIt) != 0 || !ascending) return false;
  record.versions.emplace(number, version);
  return true;
}

bool read_versions(WireReader& reader, Record& record) {
  bool ok = true;
  for (std::uint32_t left = reader.u32(); left > 0 && ok && !reader.failed();
       --left) {
    ok = read_version(reader, record);
  }
  return ok;
}

bool read_dek(WireReader& reader, BodyDeks& deks) {
  const std::uint64_t number = reader.u64();
  const std::string_view id = reader.text();
  if (number < 1 || number > Record::kVersionMax || id.empty() ||
      id.find('/') != std::string_view::npos) {
    return false;
  }
  if (!deks.ids.empty() && deks.ids.rbegin()->first >= number) return false;
  deks.ids.emplace_hint(deks.ids.end(), number, id);
  return true;
}

Error implausible(std::string_view what) {
  return corrupt(fmt::format("{}: a field is out of its range", what));
}

}  // namespace

SecretBytes encode(const Record& record) {
  WireWriter w;
  w.u8(kFormat).text(record.path).text(record.id);
  w.i64(unix_nanos(record.created)).i64(unix_nanos(record.updated));
  w.u64(record.current).u64(record.oldest).u64(record.metadata_version);
  w.u32(record.max_versions);
  w.u8(cas_flags(record.cas_required, record.metadata_cas_required));
  w.i64(record.delete_version_after.count());
  w.u32(static_cast<std::uint32_t>(record.custom.size()));
  for (const auto& [key, value] : record.custom) w.text(key).text(value);
  write_versions(w, record);
  return std::move(w).finish();
}

Result<Record> decode_record(ByteView bytes) {
  constexpr std::string_view kWhat = "key-value record";
  WireReader reader(bytes);
  Record record;
  const std::uint8_t format = reader.u8();
  record.path = std::string(reader.text());
  record.id = std::string(reader.text());
  record.created = from_unix_nanos(reader.i64());
  record.updated = from_unix_nanos(reader.i64());
  record.current = reader.u64();
  record.oldest = reader.u64();
  record.metadata_version = reader.u64();
  record.max_versions = reader.u32();
  const std::uint8_t flags = reader.u8();
  record.cas_required = (flags & kCas) != 0;
  record.metadata_cas_required = (flags & kMetadataCas) != 0;
  record.delete_version_after = Seconds(reader.i64());
  const bool custom_ok = read_custom(reader, record);
  const bool versions_ok = custom_ok && read_versions(reader, record);
  if (!reader.failed() && (!custom_ok || !versions_ok)) {
    return fail(implausible(kWhat));
  }
  TRY(reader.finish(kWhat));
  if (format != kFormat || record.path.empty() ||
      record.id.size() != kUuidBytes ||
      record.id.find('/') != std::string::npos ||
      record.current > Record::kVersionMax || record.oldest > record.current ||
      (flags & ~kAllFlags) != 0 || record.delete_version_after.count() < 0) {
    return fail(implausible(kWhat));
  }
  return record;
}

SecretBytes encode(const BodyDeks& deks) {
  WireWriter w;
  w.u8(kFormat).text(deks.path);
  w.u32(static_cast<std::uint32_t>(deks.ids.size()));
  for (const auto& [number, id] : deks.ids) w.u64(number).text(id);
  return std::move(w).finish();
}

Result<BodyDeks> decode_deks(ByteView bytes) {
  constexpr std::string_view kWhat = "key-value list of DEKs";
  WireReader reader(bytes);
  const std::uint8_t format = reader.u8();
  BodyDeks deks;
  deks.path = std::string(reader.text());
  bool ok = true;
  for (std::uint32_t left = reader.u32(); left > 0 && ok && !reader.failed();
       --left) {
    ok = read_dek(reader, deks);
  }
  if (!reader.failed() && !ok) return fail(implausible(kWhat));
  TRY(reader.finish(kWhat));
  if (format != kFormat || deks.path.empty() || deks.ids.empty()) {
    return fail(implausible(kWhat));
  }
  return deks;
}

SecretBytes encode(const Settings& settings) {
  WireWriter w;
  w.u8(kFormat).u32(settings.max_versions);
  w.u8(cas_flags(settings.cas_required, settings.metadata_cas_required));
  w.i64(settings.delete_version_after.count());
  return std::move(w).finish();
}

Result<Settings> decode_settings(ByteView bytes) {
  constexpr std::string_view kWhat = "key-value settings";
  WireReader reader(bytes);
  Settings settings;
  const std::uint8_t format = reader.u8();
  settings.max_versions = reader.u32();
  const std::uint8_t flags = reader.u8();
  settings.cas_required = (flags & kCas) != 0;
  settings.metadata_cas_required = (flags & kMetadataCas) != 0;
  settings.delete_version_after = Seconds(reader.i64());
  TRY(reader.finish(kWhat));
  if (format != kFormat || (flags & ~kAllFlags) != 0) {
    return fail(implausible(kWhat));
  }
  return settings;
}

SecretBytes encode(const dek::SealedBody& body) {
  WireWriter w;
  w.u8(kFormat).text(body.dek_id).text(body.bytes);
  return std::move(w).finish();
}

Result<dek::SealedBody> decode_body(ByteView bytes) {
  constexpr std::string_view kWhat = "key-value body";
  WireReader reader(bytes);
  const std::uint8_t format = reader.u8();
  dek::SealedBody body;
  body.dek_id = std::string(reader.text());
  body.bytes = std::string(reader.text());
  TRY(reader.finish(kWhat));
  if (format != kFormat || body.dek_id.empty()) {
    return fail(implausible(kWhat));
  }
  return body;
}

std::string record_path(std::string_view path) {
  return fmt::format("{}{}", kRecordsPrefix, path);
}
std::string body_path(std::string_view record_id, std::uint64_t version) {
  return fmt::format("{}{}/{:016x}", kBodiesPrefix, record_id, version);
}
std::string deks_path(std::string_view record_id) {
  return fmt::format("{}{}/deks", kBodiesPrefix, record_id);
}
std::string uses_prefix(std::string_view dek_id) {
  return fmt::format("{}{}/", kUsesPrefix, dek_id);
}
std::string use_path(std::string_view dek_id, std::string_view record_id) {
  return fmt::format("{}{}/{}", kUsesPrefix, dek_id, record_id);
}

std::string body_place(std::string_view mount_uuid, std::string_view path,
                       std::uint64_t version) {
  return fmt::format("{}/{}/{}", mount_uuid, version, path);
}

}  // namespace bulla::engine::kv
