#include <fmt/format.h>

#include <map>

#include "base/json_writer.h"
#include "server/help.h"
#include "server/sys/handlers.h"
#include "server/sys/mount_info.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

using AclPtr = std::shared_ptr<const auth::Acl>;

// Null without a token.
AclPtr acl_of(Core& core, const api::Context& context) {
  if (!context.token) return nullptr;
  return core.acl_of(*context.token, true).value_or(nullptr);
}

bool may_see(const api::MountConfig& config, const AclPtr& acl) {
  if (config.listing_visibility == "unauth") return true;
  return acl && (acl->is_root() || acl->may_touch(config.path));
}

void write_visible(JsonWriter& out, const MountTable& table, const AclPtr& acl,
                   bool is_auth) {
  out.begin_object();
  for (const auto& mount : table.all()) {
    const api::MountConfig& config = mount->config;
    if (config.is_auth != is_auth || !may_see(config, acl)) continue;
    out.key(shown_path(config));
    if (acl) {
      write_mount_info(out, config);
    } else {
      write_public_mount_info(out, config);
    }
  }
  out.end_object();
}

Result<api::Response> list_mounts(Core& core, const api::Request&,
                                  api::Context& context) {
  const AclPtr acl = acl_of(core, context);
  // None is needed, but one that is shown must be good.
  if (!acl && !context.client_token.empty()) return fail(permission_denied());
  const auto table = core.mounts().table().load();
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("auth");
  write_visible(out, *table, acl, true);
  out.key("secret");
  write_visible(out, *table, acl, false);
  out.end_object();
  return api::Response::with_data(std::move(json));
}

// Unknown and denied are one answer: who may not touch a mount does not learn
// that it is there.
Error preflight_refused(std::string_view path) {
  return Error(ErrorCode::kPermissionDenied,
               fmt::format("preflight capability check returned 403, please "
                           "ensure client's policies grant access to path "
                           "\"{}\"",
                           mount_path(path, false)))
      .as_plain();
}

Result<api::Response> read_mount_of(Core& core, const api::Request& request,
                                    api::Context& context) {
  const AclPtr acl = acl_of(core, context);
  if (!acl) return fail(permission_denied());
  const std::string_view path = request.param("path");
  const auto table = core.mounts().table().load();
  const Mount* const mount = table->find(path);
  if (mount == nullptr || !acl->may_touch(mount->config.path)) {
    return fail(preflight_refused(path));
  }
  std::string json;
  JsonWriter out(json);
  write_mount_info(out, mount->config);
  json.pop_back();  // one more member
  json += ",\"path\":";
  append_json_string(json, shown_path(mount->config));
  json += '}';
  return api::Response::with_data(std::move(json));
}

Result<api::Response> resultant_acl(Core& core, const api::Request&,
                                    api::Context& context) {
  const AclPtr acl = acl_of(core, context);
  if (!acl) return fail(permission_denied());
  return api::Response::with_data(acl->is_root() ? R"({"root":true})"
                                                 : acl->resultant_json());
}

Result<api::Response> list_namespaces(Core&, const api::Request&,
                                      api::Context&) {
  return api::Response::with_data(R"({"keys":[]})");
}

// The mounts that the caller may see, and sys/ for everyone: its document is
// the same on every server.
Result<api::Response> openapi(Core& core, const api::Request&,
                              api::Context& context) {
  const auto table = core.mounts().table().load();
  const AclPtr acl = acl_of(core, context);
  std::map<std::string, std::string> paths;
  for (const auto& mount : table->all()) {
    const api::MountConfig& config = mount->config;
    if (config.path != "sys/" && !may_see(config, acl)) continue;
    for (const api::Route& route : mount->backend->routes()) {
      paths.try_emplace(openapi_path(config.path, route.pattern),
                        openapi_path_item(route));
    }
  }
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("components").begin_object().end_object();
  out.key("info")
      .begin_object()
      .member("description", "The HTTP API of this Bulla server.")
      .member("title", "Bulla API")
      .member("version", BULLA_VERSION)
      .end_object();
  out.member("openapi", "3.0.2").key("paths").begin_object();
  for (const auto& [path, item] : paths) out.key(path).raw(item);
  out.end_object().end_object();
  return api::Response::opaque_body(std::move(json), "application/json");
}

}  // namespace

void add_internal_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  routes.push_back({.pattern = "internal/ui/mounts",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, list_mounts,
                                       "Lists the mounts one may see.")},
                    .synopsis = "The mounts that the caller may see.",
                    .unauthenticated = true});
  routes.push_back(
      {.pattern = "internal/ui/mounts/*path",
       .fields = {{"path", FieldType::kString, "A path in the mount."}},
       .methods = {method(core, Operation::kRead, read_mount_of,
                          "Reads the mount that a path is in.")},
       .synopsis = "The mount that a path is in.",
       .unauthenticated = true});
  routes.push_back({.pattern = "internal/ui/resultant-acl",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, resultant_acl,
                                       "Reads what the caller may do.")},
                    .synopsis = "The union of the caller's policies."});
  routes.push_back(
      {.pattern = "internal/ui/namespaces",
       .fields = {},
       .methods = {method(core, Operation::kRead, list_namespaces,
                          "Lists the namespaces: there are none.")},
       .synopsis = "The namespaces below the root.",
       .unauthenticated = true});
  routes.push_back({.pattern = "internal/specs/openapi",
                    .fields = {{"generic_mount_paths", FieldType::kBool,
                                "Kept for compatibility.", "false"}},
                    .methods = {method(core, Operation::kRead, openapi,
                                       "Reads the OpenAPI document.")},
                    .synopsis = "The API as an OpenAPI 3 document.",
                    .unauthenticated = true});
}

}  // namespace bulla::server
