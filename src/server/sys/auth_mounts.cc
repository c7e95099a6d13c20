#include "server/sys/mount_actions.h"
#include "server/sys/mount_info.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> list(Core& core, const api::Request&, api::Context&) {
  return duplicated(mounts_json(*core.mounts().table().load(), true));
}

Result<api::Response> read_tune(Core& core, const api::Request& request,
                                api::Context&) {
  return read_tuning(core, mount_path(request.param("path"), true));
}

Result<api::Response> write_tune(Core& core, const api::Request& request,
                                 api::Context&) {
  return write_tuning(core, request, mount_path(request.param("path"), true));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context& context) {
  if (request.param("path").empty()) return list(core, request, context);
  if (const auto tuned = tuned_path(request.param("path"))) {
    return read_tuning(core, mount_path(*tuned, true));
  }
  return read_mount(core, request, true);
}

Result<api::Response> write(Core& core, const api::Request& request,
                            api::Context&) {
  if (const auto tuned = tuned_path(request.param("path"))) {
    return write_tuning(core, request, mount_path(*tuned, true));
  }
  return enable_mount(core, request, true);
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  return disable_mount(core, request, true);
}

}  // namespace

void add_auth_mount_routes(Core& core, Routes& routes) {
  using api::Operation;
  routes.push_back({.pattern = "auth",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, list,
                                       "Lists the auth methods.")},
                    .synopsis = "The enabled auth methods."});
  routes.push_back({.pattern = "auth/:path~/tune",
                    .fields = mount_fields(),
                    .methods = {method(core, Operation::kRead, read_tune,
                                       "Reads an auth method's settings."),
                                method(core, Operation::kUpdate, write_tune,
                                       "Changes an auth method's settings.")},
                    .synopsis = "The settings of an auth method.",
                    .sudo = true});
  routes.push_back(
      {.pattern = "auth/*path",
       .fields = mount_fields(),
       .methods = {method(core, Operation::kRead, read,
                          "Reads an auth method's mount."),
                   method(core, Operation::kUpdate, write,
                          "Enables an auth method at a path."),
                   method(core, Operation::kDelete, remove,
                          "Disables an auth method and deletes its data.")},
       .synopsis = "Enables and disables auth methods.",
       .sudo = true});
}

}  // namespace bulla::server
