// The answer that shows a key: of create, read, config, rotate, trim and soft
// deletion (reference/transit.md §3).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "base/time_format.h"
#include "crypto/x509.h"
#include "engine/transit/derivation.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

// The policy's own convergent version: each key version records its scheme.
constexpr int kConvergentVersionPerKey = -1;

std::string number_text(std::uint32_t number) {
  return fmt::format_int(number).str();
}

// Go prints maps in the order of their keys' text: "1", "10", "2".
using ShownVersions = std::map<std::string, std::string>;

std::string certificates_text(const KeyVersion& version) {
  std::string text;
  for (const Bytes& der : version.certificates()) {
    if (!text.empty()) text += '\n';
    text += crypto::certificate_pem(der);
  }
  return text;
}

Result<std::string> public_key_text(const Key& key, const KeyVersion& version,
                                    ByteView context) {
  if (!key.type().ed25519()) return version.public_key()->spki_pem();
  if (!key.record().derived) {
    return base64_encode(version.public_key()->ed25519_raw());
  }
  if (context.empty() || version.private_key() == nullptr) return std::string();
  TRY_ASSIGN(const auto pair, derive_ed25519(key, version, context));
  return base64_encode(pair.public_key().ed25519_raw());
}

Result<std::string> key_pair_shown(const Key& key, const KeyVersion& version,
                                   ByteView context) {
  TRY_ASSIGN(const std::string public_key,
             public_key_text(key, version, context));
  std::string shown;
  JsonWriter(shown)
      .begin_object()
      .member("certificate_chain", certificates_text(version))
      .member("creation_time", format_rfc3339_nano(version.created()))
      .member("name", key.type().public_name)
      .member("public_key", public_key)
      .end_object();
  return shown;
}

std::string_view public_name(const crypto::PublicKey& key) {
  for (const KeyTypeInfo& type : all_key_types()) {
    if (type.key_pair() && type.algorithm == key.algorithm() &&
        (!type.rsa() || type.bits == key.bits())) {
      return type.public_name;
    }
  }
  return {};
}

// Of symmetric keys name and public key are empty.
std::string managed_shown(const KeyVersion& version) {
  const crypto::PublicKey* const key = version.public_key();
  std::string shown;
  JsonWriter(shown)
      .begin_object()
      .member("certificate_chain", "")
      .member("creation_time", format_rfc3339_nano(version.created()))
      .member("managed_key_id", version.managed()->id)
      .member("name", key == nullptr ? std::string_view() : public_name(*key))
      .member("public_key", key == nullptr ? std::string() : key->spki_pem())
      .end_object();
  return shown;
}

Result<ShownVersions> versions_shown(KeyStore& store, const Key& key,
                                     ByteView context) {
  ShownVersions shown;
  const std::uint32_t first = key.record().min_decryption_version;
  const std::uint32_t last = key.record().latest_version;
  if (key.type().key_pair() || key.type().managed()) {
    TRY(store.visit_versions(key, first, last, [&](const KeyVersion& version) {
      auto text = key.type().managed()
                      ? Result<std::string>(managed_shown(version))
                      : key_pair_shown(key, version, context);
      if (!text) return Result<void>(fail(text.error()));
      shown.emplace(number_text(version.number()), *std::move(text));
      return Result<void>();
    }));
    return shown;
  }
  for (std::uint32_t number = first; number <= last; ++number) {
    TRY_ASSIGN(const Time created, store.creation_time(key, number));
    shown.emplace(number_text(number),
                  fmt::format_int(unix_seconds(created)).str());
  }
  return shown;
}

void write_convergence(JsonWriter& writer, const KeyRecord& record) {
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

// Counts of encryptions, of the versions that `keys` lists, and their bound; 0
// for none.
Result<void> write_operations(JsonWriter& writer, KeyStore& store,
                              const Key& key) {
  const KeyRecord& record = key.record();
  const std::uint32_t first = record.min_decryption_version;
  TRY_ASSIGN(const auto counts,
             store.operations(key, first, record.latest_version));
  std::map<std::string, std::uint64_t> shown;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    shown.emplace(number_text(first + static_cast<std::uint32_t>(i)),
                  counts[i]);
  }
  writer.key("operations").begin_object();
  for (const auto& [number, count] : shown) writer.member(number, count);
  writer.end_object();
  return {};
}

void write_stamp(JsonWriter& writer, std::string_view name,
                 const std::optional<KeyStamp>& stamp) {
  if (!stamp) return;
  writer.key(name)
      .begin_object()
      .member("time", format_rfc3339_nano(stamp->time))
      .member("version", stamp->version)
      .end_object();
}

// Members stand in the order of their names, as Go prints them.
void write_head(JsonWriter& writer, const KeyRecord& record) {
  writer.member("allow_plaintext_backup", record.allow_plaintext_backup)
      .member("auto_rotate_period",
              static_cast<std::int64_t>(record.auto_rotate_period.count()));
  write_stamp(writer, "backup_info", record.backup_info);
  if (record.derived) write_convergence(writer, record);
  writer.member("deletion_allowed", record.deletion_allowed)
      .member("derived", record.derived)
      .member("exportable", record.exportable)
      .member("imported_key", record.imported);
  if (record.imported) {
    writer.member("imported_key_allow_rotation",
                  record.allow_imported_rotation);
  }
  if (record.derived) write_kdf(writer, record);
  if (record.key_size != 0) writer.member("key_size", record.key_size);
}

void write_minimums(JsonWriter& writer, const KeyRecord& record) {
  writer.member("min_available_version", record.min_available_version)
      .member("min_decryption_version", record.min_decryption_version)
      .member("min_encryption_version", record.min_encryption_version)
      .member("name", record.name);
}

// What the latest version does: that of a managed key is told by its mechanism.
void write_tail(JsonWriter& writer, const Key& key) {
  const KeyRecord& record = key.record();
  const KeyTypeInfo& type = key.type();
  const crypto::PublicKey* const pair = key.latest().public_key();
  const bool rsa =
      pair != nullptr && pair->algorithm() == crypto::AsymmetricAlgorithm::kRsa;
  const bool encrypts =
      type.encrypts && (!type.managed() || pair == nullptr || rsa);
  const bool signs = type.signs && (!type.managed() || pair != nullptr);
  write_stamp(writer, "restore_info", record.restore_info);
  writer.member("soft_deleted", record.soft_deleted)
      .member("supports_decryption", encrypts)
      .member("supports_derivation", type.derives)
      .member("supports_encryption", encrypts)
      .member("supports_signing", signs)
      .member("type", type.name);
}

}  // namespace

Result<api::Response> TransitBackend::key_body(const Key& key,
                                               ByteView context) {
  const KeyRecord& record = key.record();
  std::string data;
  JsonWriter writer(data);
  writer.begin_object();
  write_head(writer, record);
  if (key.type().shows_keys) {
    TRY_ASSIGN(const auto shown, versions_shown(keys_, key, context));
    writer.key("keys").begin_object();
    for (const auto& [number, text] : shown) writer.key(number).raw(text);
    writer.end_object();
  }
  writer.member("latest_version", record.latest_version);
  if (key.type().encrypts) {
    const std::uint64_t limit = operations_limit(record);
    writer.member("max_operations",
                  limit == KeyRecord::kOperationsMax ? 0 : limit);
  }
  write_minimums(writer, record);
  if (key.type().encrypts) TRY(write_operations(writer, keys_, key));
  write_tail(writer, key);
  writer.end_object();
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
