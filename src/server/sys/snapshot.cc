// sys/storage/snapshot: the whole store in one file, part by part, and
// sys/storage/restore: the other way round.

#include <fmt/format.h>

#include <charconv>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "server/snapshots.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

// A part is an ordinary request, and as such under the listeners' limits.
std::uint64_t part_bytes(const ServerConfig& config) {
  std::uint64_t bytes = Snapshots::kPartBytes;
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.max_request_size <= 0) continue;
    bytes =
        std::min(bytes, static_cast<std::uint64_t>(listener.max_request_size));
  }
  return bytes;
}

Result<std::uint64_t> offset_of(const api::Request& request) {
  const std::string_view text = request.fields.text("offset");
  std::uint64_t offset = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error == std::errc{} && end == text.data() + text.size()) return offset;
  return fail(invalid_argument("the offset is no number of bytes"));
}

Result<api::Response> make(Core& core, const api::Request&, api::Context&) {
  TRY_ASSIGN(const auto made, core.snapshots().make(core.storage()));
  core.log().info("a snapshot was taken",
                  {{"entries", std::to_string(made.summary.entries)},
                   {"bytes", std::to_string(made.summary.bytes)}});
  std::string json;
  JsonWriter out(json);
  out.begin_object().member("id", made.id);
  out.member("bytes", made.summary.bytes);
  out.member("entries", made.summary.entries);
  out.member("part_bytes", std::uint64_t{Snapshots::kPartBytes});
  out.member("sha256", hex_encode(made.summary.sha256)).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> read_part(Core& core, const api::Request& request,
                                api::Context&) {
  TRY_ASSIGN(const auto offset, offset_of(request));
  TRY_ASSIGN(auto bytes, core.snapshots().part(request.param("id"), offset));
  return api::Response::opaque_body(std::move(bytes),
                                    "application/octet-stream");
}

Result<api::Response> drop(Core& core, const api::Request& request,
                           api::Context&) {
  TRY(core.snapshots().drop(request.param("id")));
  return api::Response::none();
}

// On a sealed server no token can be checked, and there is something to guard.
Result<void> require_open(Core& core) {
  TRY_ASSIGN(const bool initialized, core.custody().initialized());
  if (!initialized || core.serving()) return {};
  return fail(ErrorCode::kSealed, "Vault is sealed");
}

Result<api::Response> begin_upload(Core& core, const api::Request& request,
                                   api::Context&) {
  TRY(require_open(core));
  TRY(core.check_restorable());
  const std::int64_t bytes = request.fields.integer("bytes");
  if (bytes <= 0) {
    return fail(invalid_argument("'bytes' must say how long the snapshot is"));
  }
  TRY_ASSIGN(const auto id,
             core.snapshots().begin_upload(static_cast<std::uint64_t>(bytes),
                                           core.config().max_snapshot_size));
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("id", id)
      .member("part_bytes", part_bytes(core.config()))
      .end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> write_part(Core& core, const api::Request& request,
                                 api::Context&) {
  TRY(require_open(core));
  TRY_ASSIGN(const auto offset, offset_of(request));
  TRY(core.snapshots().add(request.param("id"), offset,
                           as_bytes(request.body)));
  return api::Response::none();
}

Result<api::Response> drop_upload(Core& core, const api::Request& request,
                                  api::Context& context) {
  TRY(require_open(core));
  return drop(core, request, context);
}

Result<api::Response> apply(Core& core, const api::Request& request,
                            api::Context&) {
  TRY(require_open(core));
  TRY_ASSIGN(const auto checked, core.restore(std::string(request.param("id")),
                                              request.fields.boolean("force")));
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.member("bytes", checked.summary.bytes);
  out.member("entries", checked.summary.entries);
  out.member("installation", checked.header.installation);
  out.key("passkeys").begin_array();
  for (const auto& passkey : checked.header.passkeys) {
    out.begin_object().member("name", passkey.name);
    out.member("kind", passkey.kind).end_object();
  }
  out.end_array().member("sealed", !core.serving()).end_object();
  return api::Response::with_data(std::move(json));
}

const api::Field kId = {"id", api::FieldType::kString,
                        "What making or beginning it gave."};
const api::Field kOffset = {"offset", api::FieldType::kString,
                            "Where in the file the part begins, in bytes."};

void add_save_routes(Core& core, Routes& routes) {
  using api::Operation;
  routes.push_back(
      {.pattern = "storage/snapshot",
       .fields = {},
       .methods = {method(core, Operation::kUpdate, make,
                          "Takes a snapshot, to be fetched.")},
       .synopsis = "Takes a snapshot of the whole store, sealed as it lies.",
       .sudo = true});
  routes.push_back(
      {.pattern = "storage/snapshot/:id",
       .fields = {kId},
       .methods = {method(core, Operation::kDelete, drop, "Drops a snapshot.")},
       .synopsis = "Drops a snapshot that was fetched.",
       .sudo = true});
  routes.push_back({.pattern = "storage/snapshot/:id/part/:offset",
                    .fields = {kId, kOffset},
                    .methods = {method(core, Operation::kRead, read_part,
                                       "Fetches a part of a snapshot.")},
                    .synopsis = "Fetches a snapshot, part by part, raw.",
                    .sudo = true});
}

}  // namespace

void add_snapshot_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  add_save_routes(core, routes);
  routes.push_back(
      {.pattern = "storage/restore",
       .fields = {{"bytes", FieldType::kInt, "How long the snapshot is."}},
       .methods = {method(core, Operation::kUpdate, begin_upload,
                          "Begins to take a snapshot in.")},
       .synopsis = "Begins to take a snapshot in. Needs no token while nothing "
                   "is initialised.",
       .sudo = true,
       .while_sealed = true});
  routes.push_back({.pattern = "storage/restore/:id",
                    .fields = {kId},
                    .methods = {method(core, Operation::kDelete, drop_upload,
                                       "Gives an upload up.")},
                    .synopsis = "Gives an upload up.",
                    .sudo = true,
                    .while_sealed = true});
  routes.push_back({.pattern = "storage/restore/:id/part/:offset",
                    .fields = {kId, kOffset},
                    .methods = {method(core, Operation::kUpdate, write_part,
                                       "Takes a part of a snapshot.")},
                    .synopsis = "Takes a snapshot in, part by part, raw.",
                    .sudo = true,
                    .while_sealed = true,
                    .allow_any_body = true});
  routes.push_back(
      {.pattern = "storage/restore/:id/apply",
       .fields = {kId,
                  {"force", FieldType::kBool,
                   "Replace an installation that is here.", "false"}},
       .methods = {method(core, Operation::kUpdate, apply,
                          "Checks the snapshot and puts it in place.")},
       .synopsis = "Checks a snapshot and replaces all that is stored by it.",
       .sudo = true,
       .while_sealed = true});
}

}  // namespace bulla::server
