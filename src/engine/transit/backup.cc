// GET backup/:name and POST restore[/:name] (reference/transit.md §10).

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "engine/transit/backup_text.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> refused(std::string_view text) {
  return fail(internal_error(std::string(text)));
}

Result<KeyEdit> stamp_backup(KeyRecord& record, Time now) {
  if (record.soft_deleted) return refused("refusing to use soft-deleted key");
  if (record.type == KeyType::kManagedKey) {
    return fail(invalid_argument(
        "an HSM has the keys of type managed_key: there is nothing to back "
        "up"));
  }
  if (!record.exportable) {
    return refused("exporting is disallowed on the policy");
  }
  if (!record.allow_plaintext_backup) {
    return refused("plaintext backup is disallowed on the policy");
  }
  record.backup_info = KeyStamp{now, record.latest_version};
  return KeyEdit::kStore;
}

Result<BackupSource> source_named(std::string_view name) {
  if (name.empty()) return BackupSource::kGuess;
  if (name == "vault") return BackupSource::kVault;
  if (name == "openbao") return BackupSource::kOpenBao;
  return fail(invalid_argument(
      fmt::format("unknown source \"{}\": vault or openbao", name)));
}

// A name in the path, or in the body where it may not look like a path.
Result<std::string_view> restored_name(const api::Fields& fields,
                                       const BackedUpKey& key) {
  std::string_view name = fields.text("name");
  if (name.empty()) name = key.record.name;
  if (name.find('/') != std::string_view::npos) {
    return refused("key names cannot be paths");
  }
  if (name.empty()) return refused("the backup names no key");
  return name;
}

}  // namespace

Result<api::Response> TransitBackend::backup(const Request& request,
                                             Context& context) {
  const std::string_view name = request.param("name");
  const auto key = keys_.update(name, context.now, [&](KeyRecord& record) {
    return stamp_backup(record, context.now);
  });
  if (!key && key.error().code() == ErrorCode::kNotFound) {
    return refused(fmt::format("key \"{}\" not found", name));
  }
  if (!key) return fail(key.error());
  TRY_ASSIGN(const SecretBytes text, write_backup(keys_, **key));
  std::string data;
  JsonWriter(data)
      .begin_object()
      .key("backup")
      .base64(text.expose())
      .end_object();
  return Response::with_data(std::move(data));
}

Result<api::Response> TransitBackend::restore(const Request& request,
                                              Context& context) {
  const api::Fields& fields = request.fields;
  if (fields.text("backup").empty()) {
    return fail(invalid_argument("'backup' must be supplied"));
  }
  TRY_ASSIGN(const BackupSource source, source_named(fields.text("source")));
  auto json = base64_decode(fields.text("backup"));
  if (!json) return refused(json.error().message());
  const WipeGuard wiped(*json);
  TRY_ASSIGN(BackedUpKey key, read_backup(as_text(*json), source));
  TRY_ASSIGN(const std::string_view name, restored_name(fields, key));
  key.record.name = std::string(name);
  key.record.restore_info = KeyStamp{context.now, key.record.latest_version};
  TRY(keys_.restore(std::move(key.record), std::move(key.versions),
                    fields.boolean("force")));
  return Response::none();
}

}  // namespace bulla::engine::transit
