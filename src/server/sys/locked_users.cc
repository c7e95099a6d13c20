// sys/locked-users, sys/locked-users/:accessor/unlock/:alias.

#include <map>

#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

using ByAccessor = std::map<std::string, std::vector<std::string>>;

ByAccessor locked_users(Core& core, Time now) {
  ByAccessor users;
  for (auto& [accessor, name] : core.lockouts().all(now)) {
    users[accessor].push_back(std::move(name));
  }
  return users;
}

void write_users(JsonWriter& out, const ByAccessor& users) {
  out.key("mount_accessors").begin_array();
  for (const auto& [accessor, names] : users) {
    out.begin_object().key("alias_identifiers").strings(names);
    out.member("counts", static_cast<std::uint64_t>(names.size()))
        .member("mount_accessor", accessor)
        .end_object();
  }
  out.end_array();
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context& context) {
  ByAccessor users = locked_users(core, context.now);
  const std::string_view only = request.fields.text("mount_accessor");
  if (!only.empty()) {
    std::erase_if(users, [&](const auto& one) { return one.first != only; });
  }
  std::uint64_t total = 0;
  for (const auto& [accessor, names] : users) total += names.size();
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("by_namespace").begin_array();
  if (total > 0) {
    out.begin_object().member("counts", total);
    write_users(out, users);
    out.member("namespace_id", "root")
        .member("namespace_path", "")
        .end_object();
  }
  out.end_array().member("total", total).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> unlock(Core& core, const api::Request& request,
                             api::Context&) {
  core.lockouts().forget(request.param("mount_accessor"),
                         request.param("alias_identifier"));
  return api::Response::none();
}

}  // namespace

void add_locked_user_routes(Core& core, Routes& routes) {
  using api::FieldType;
  routes.push_back({.pattern = "locked-users",
                    .fields = {{"mount_accessor", FieldType::kString,
                                "Those of this auth method only."}},
                    .methods = {method(core, api::Operation::kRead, read,
                                       "Lists the names that are locked.")},
                    .synopsis = "Names that failed to log in too often."});
  routes.push_back(
      {.pattern = "locked-users/:mount_accessor/unlock/:alias_identifier~",
       .fields = {{"mount_accessor", FieldType::kString,
                   "The accessor of the auth method."},
                  {"alias_identifier", FieldType::kString,
                   "The name: of approle a role id."}},
       .methods = {method(core, api::Operation::kUpdate, unlock,
                          "Lets a name log in again.")},
       .synopsis = "Lets a name that was locked log in again."});
}

}  // namespace bulla::server
