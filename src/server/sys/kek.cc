// sys/kek: the versions of the KEKs behind the passkeys.

#include <fmt/format.h>

#include <limits>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "seal/kek_versions.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

using kek::KekVersion;

void write_versions(JsonWriter& out, std::string_view name,
                    const std::vector<KekVersion>& versions) {
  out.key(name).begin_array();
  for (const KekVersion version : versions) out.value(version);
  out.end_array();
}

void write_nodes(JsonWriter& out,
                 const std::vector<seal::KekVersions::Node>& nodes) {
  out.key("nodes").begin_array();
  for (const auto& node : nodes) {
    out.begin_object();
    out.member("last_seen", format_rfc3339_nano(node.seen));
    out.member("live", node.live);
    write_versions(out, "loaded_versions", node.loaded);
    out.member("name", node.name).end_object();
  }
  out.end_array();
}

void write_status(JsonWriter& out, const seal::KekVersions::Status& status) {
  out.begin_object();
  out.member("active_version", status.active);
  out.member("configured", status.configured);
  out.key("envelopes").begin_object();
  for (const auto& [version, count] : status.envelopes) {
    out.member(fmt::format("{}", version), std::uint64_t{count});
  }
  out.end_object();
  out.member("kind", status.id.kind);
  write_versions(out, "loaded_versions", status.loaded);
  out.member("name", status.id.name);
  write_nodes(out, status.nodes);
  out.member("recorded", status.recorded);
  write_versions(out, "removed_versions", status.removed);
  out.member("target_version", status.target).end_object();
}

Result<api::Response> status(Core& core, const api::Request&, api::Context&) {
  TRY_ASSIGN(const auto all, core.custody().keks().status());
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("seals").begin_array();
  for (const auto& one : all) write_status(out, one);
  out.end_array().end_object();
  return api::Response::with_data(std::move(json));
}

Result<std::optional<KekVersion>> version_field(const api::Fields& fields,
                                                std::string_view name) {
  if (!fields.has(name)) return std::nullopt;
  const std::int64_t version = fields.integer(name);
  if (version >= 1 && version <= std::numeric_limits<KekVersion>::max()) {
    return static_cast<KekVersion>(version);
  }
  return fail(invalid_argument(
      fmt::format("{}: expected a version of a KEK, 1 or more", name)));
}

Result<KekVersion> needed_version(const api::Fields& fields,
                                  std::string_view name) {
  TRY_ASSIGN(const auto version, version_field(fields, name));
  if (version) return *version;
  return fail(invalid_argument(fmt::format("{} is missing", name)));
}

std::string rotation_json(const seal::KekVersions::Rotation& rotation) {
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("dry_run", rotation.dry_run)
      .member("envelopes", std::uint64_t{rotation.envelopes})
      .member("from_version", rotation.from)
      .member("kind", rotation.id.kind)
      .member("name", rotation.id.name)
      .member("rewrapped", std::uint64_t{rotation.rewrapped})
      .member("to_version", rotation.to)
      .end_object();
  return json;
}

Result<api::Response> verify(Core& core, const api::Request& request,
                             api::Context&) {
  TRY_ASSIGN(const auto target, needed_version(request.fields, "target"));
  TRY_ASSIGN(const auto found,
             core.custody().keks().verify(request.fields.text("seal"), target));
  return api::Response::with_data(rotation_json(found));
}

Result<api::Response> rotate(Core& core, const api::Request& request,
                             api::Context&) {
  const api::Fields& fields = request.fields;
  seal::KekVersions::RotateParams params;
  params.seal = fields.text("seal");
  TRY_ASSIGN(params.from, version_field(fields, "from_version"));
  TRY_ASSIGN(params.to, version_field(fields, "to_version"));
  params.dry_run = fields.boolean("dry_run");
  TRY_ASSIGN(const auto done, core.custody().keks().rotate(params));
  return api::Response::with_data(rotation_json(done));
}

std::string version_json(const seal::ProviderId& id, KekVersion version) {
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("kind", id.kind)
      .member("name", id.name)
      .member("version", version)
      .end_object();
  return json;
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  TRY_ASSIGN(const auto version, needed_version(request.fields, "version"));
  TRY_ASSIGN(const auto id, core.custody().keks().remove(
                                request.fields.text("seal"), version));
  return api::Response::with_data(version_json(id, version));
}

Result<api::Response> pkcs11_init(Core& core, const api::Request& request,
                                  api::Context&) {
  TRY_ASSIGN(const auto version, needed_version(request.fields, "version"));
  TRY_ASSIGN(const auto id,
             core.custody().keks().create(request.fields.text("seal", "pkcs11"),
                                          version));
  return api::Response::with_data(version_json(id, version));
}

constexpr api::Field kSeal{
    "seal", api::FieldType::kString,
    "The seal's name or kind; the only one if nothing is said."};

void add_write(Core& core, Routes& routes, std::string_view pattern,
               std::vector<api::Field> fields, SysHandler handler,
               std::string_view summary) {
  fields.insert(fields.begin(), kSeal);
  routes.push_back(
      {.pattern = pattern,
       .fields = std::move(fields),
       .methods = {method(core, api::Operation::kUpdate, handler, summary)},
       .synopsis = summary,
       .sudo = true});
}

}  // namespace

void add_kek_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  constexpr std::string_view kStatus =
      "Shows the versions of KEKs, what is under them, and the nodes.";
  routes.push_back(
      {.pattern = "kek",
       .fields = {},
       .methods = {method(core, Operation::kRead, status, kStatus)},
       .synopsis = kStatus});
  add_write(core, routes, "kek/verify",
            {{"target", FieldType::kInt, "The version to go to.", {}, true}},
            verify, "Tells whether a rotation to a version would go through.");
  add_write(
      core, routes, "kek/rotate",
      {{"from_version", FieldType::kInt,
        "Refuse unless this version is active."},
       {"to_version", FieldType::kInt,
        "The version to go to; the newest if nothing is said."},
       {"dry_run", FieldType::kBool, "Prove all, change nothing.", "false"}},
      rotate, "Wraps everything that is under a KEK under a version.");
  add_write(core, routes, "kek/remove",
            {{"version", FieldType::kInt, "The version.", {}, true}}, remove,
            "Marks a version as never to be used again.");
  add_write(core, routes, "kek/pkcs11-init",
            {{"version", FieldType::kInt, "The version.", {}, true}},
            pkcs11_init, "Makes the KEK of a version in the HSM.");
}

}  // namespace bulla::server
