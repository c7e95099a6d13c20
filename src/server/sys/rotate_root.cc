// sys/rotate/root: a new root key without shares. Those that there are stay
// good: only what they open is sealed anew.

#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> rotate_root(Core& core, const api::Request&,
                                  api::Context&) {
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
       .synopsis = "Makes a new root key; shares stay as they are.",
       .sudo = true});
}

}  // namespace bulla::server
