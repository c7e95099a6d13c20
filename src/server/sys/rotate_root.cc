// sys/rotate/root: a new root key without shares, where the seal opens by
// itself.

#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> rotate_root(Core& core, const api::Request&,
                                  api::Context&) {
  TRY_ASSIGN(const auto authority, core.custody().authority());
  if (!authority.automatic) {
    return fail(invalid_argument(
        "the root key of this seal is rotated by its shares: begin with "
        "sys/rotate/root/init"));
  }
  TRY(core.custody().replace_root({}));
  return api::Response::none();
}

}  // namespace

void add_rotate_root_routes(Core& core, Routes& routes) {
  routes.push_back(
      {.pattern = "rotate/root",
       .fields = {},
       .methods = {method(core, api::Operation::kUpdate, rotate_root,
                          "Makes a new root key.")},
       .synopsis = "Makes a new root key, where the seal opens by itself.",
       .sudo = true});
}

}  // namespace bulla::server
