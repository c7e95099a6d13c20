#include "server/sys/mount_actions.h"
#include "server/sys/mount_info.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> list(Core& core, const api::Request&, api::Context&) {
  return duplicated(mounts_json(*core.mounts().table().load(), false));
}

// Stock clients tune auth methods here, as "auth/NAME".
Result<api::Response> read_tune(Core& core, const api::Request& request,
                                api::Context&) {
  return read_tuning(core, mount_path(request.param("path"), false));
}

Result<api::Response> write_tune(Core& core, const api::Request& request,
                                 api::Context&) {
  return write_tuning(core, request, mount_path(request.param("path"), false));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context& context) {
  if (request.param("path").empty()) return list(core, request, context);
  if (const auto tuned = tuned_path(request.param("path"))) {
    return read_tuning(core, mount_path(*tuned, false));
  }
  return read_mount(core, request, false);
}

Result<api::Response> write(Core& core, const api::Request& request,
                            api::Context&) {
  if (const auto tuned = tuned_path(request.param("path"))) {
    return write_tuning(core, request, mount_path(*tuned, false));
  }
  return enable_mount(core, request, false);
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  return disable_mount(core, request, false);
}

}  // namespace

void add_mount_routes(Core& core, Routes& routes) {
  using api::Operation;
  routes.push_back({.pattern = "mounts",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, list,
                                       "Lists the mounted secrets engines.")},
                    .synopsis = "The mounted secrets engines."});
  routes.push_back({.pattern = "mounts/:path~/tune",
                    .fields = mount_fields(),
                    .methods = {method(core, Operation::kRead, read_tune,
                                       "Reads a mount's settings."),
                                method(core, Operation::kUpdate, write_tune,
                                       "Changes a mount's settings.")},
                    .synopsis = "The settings of a mount."});
  routes.push_back(
      {.pattern = "mounts/*path",
       .fields = mount_fields(),
       .methods = {method(core, Operation::kRead, read, "Reads a mount."),
                   method(core, Operation::kUpdate, write,
                          "Mounts a secrets engine at a path."),
                   method(core, Operation::kDelete, remove,
                          "Unmounts an engine and deletes its data.")},
       .synopsis = "Mounts and unmounts secrets engines."});
}

}  // namespace bulla::server
