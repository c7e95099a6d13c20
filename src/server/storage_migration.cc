#include "server/storage_migration.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "server/config_storage.h"
#include "snapshot/migrate.h"
#include "storage/factory.h"

namespace bulla::server {
namespace {

Result<std::unique_ptr<storage::Storage>> open(const StorageStanza& stanza,
                                               std::string_view which) {
  if (stanza.type == "inmem") {
    return fail(invalid_argument(fmt::format(
        "{} \"inmem\": holds nothing that another process could read", which)));
  }
  auto opened = storage::open_sole_storage(stanza.type, stanza.options);
  if (opened) return opened;
  return fail(std::move(opened).error().with_context(which));
}

Result<void> check_apart(const MigrationConfig& config) {
  if (config.source.type != config.destination.type ||
      config.source.options != config.destination.options) {
    return {};
  }
  return fail(invalid_argument("source and destination are the same"));
}

}  // namespace

Result<std::string> migrate_storage(
    const std::string& config, const std::optional<std::string>& start,
    const std::function<void(std::uint64_t)>& progress) {
  TRY_ASSIGN(const auto stanzas, load_migration_config(config));
  TRY(check_apart(stanzas));
  TRY_ASSIGN(const auto source, open(stanzas.source, "storage_source"));
  TRY_ASSIGN(const auto destination,
             open(stanzas.destination, "storage_destination"));
  TRY_ASSIGN(const auto done,
             snapshot::migrate(*source, *destination, {start, progress}));
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.member("bytes", done.bytes);
  out.member("destination", destination->kind());
  out.member("entries", done.entries);
  out.member("resumed", done.resumed);
  out.member("sha256", hex_encode(done.sha256));
  out.member("source", source->kind());
  out.member("written", done.written);
  out.end_object();
  return json;
}

}  // namespace bulla::server
