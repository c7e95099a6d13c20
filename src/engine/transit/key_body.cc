// The answer that shows a key: of create, read, config, rotate and trim
// (reference/transit.md §3).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/json_writer.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

// The policy's own convergent version: each key version records its scheme.
constexpr int kConvergentVersionPerKey = -1;

// Go prints maps in the order of their keys' text: "1", "10", "2".
Result<std::map<std::string, std::int64_t>> versions_shown(KeyStore& store,
                                                           const Key& key) {
  std::map<std::string, std::int64_t> shown;
  const KeyRecord& record = key.record();
  for (std::uint32_t number = record.min_decryption_version;
       number <= record.latest_version; ++number) {
    TRY_ASSIGN(const Time created, store.creation_time(key, number));
    shown.emplace(fmt::format_int(number).str(), unix_seconds(created));
  }
  return shown;
}

void write_derivation(JsonWriter& writer, const KeyRecord& record) {
  writer.member("convergent_encryption", record.convergent);
  if (record.convergent) {
    writer.member("convergent_encryption_version", kConvergentVersionPerKey);
  }
}

void write_kdf(JsonWriter& writer, const KeyRecord& record) {
  if (record.kdf == Kdf::kHkdfSha256) {
    writer.member("kdf", "hkdf_sha256");
    return;
  }
  writer.member("kdf", "hmac-sha256-counter")
      .member("kdf_mode", "hmac-sha256-counter");
}

}  // namespace

Result<api::Response> TransitBackend::key_body(const Key& key) {
  const KeyRecord& record = key.record();
  const KeyTypeInfo& type = key.type();
  std::string data;
  JsonWriter writer(data);
  writer.begin_object()
      .member("allow_plaintext_backup", record.allow_plaintext_backup)
      .member("auto_rotate_period",
              static_cast<std::int64_t>(record.auto_rotate_period.count()));
  if (record.derived) write_derivation(writer, record);
  writer.member("deletion_allowed", record.deletion_allowed)
      .member("derived", record.derived)
      .member("exportable", record.exportable)
      .member("imported_key", false);
  if (record.derived) write_kdf(writer, record);
  if (record.key_size != 0) writer.member("key_size", record.key_size);
  if (type.shows_keys) {
    TRY_ASSIGN(const auto shown, versions_shown(keys_, key));
    writer.key("keys").begin_object();
    for (const auto& [number, created] : shown) {
      writer.member(number, created);
    }
    writer.end_object();
  }
  writer.member("latest_version", record.latest_version)
      .member("min_available_version", record.min_available_version)
      .member("min_decryption_version", record.min_decryption_version)
      .member("min_encryption_version", record.min_encryption_version)
      .member("name", record.name)
      .member("soft_deleted", false)
      .member("supports_decryption", type.decrypts)
      .member("supports_derivation", type.derives)
      .member("supports_encryption", type.encrypts)
      .member("supports_signing", type.signs)
      .member("type", type.name)
      .end_object();
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
