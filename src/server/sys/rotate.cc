// sys/rotate and sys/key-status: the keyring's terms.

#include "base/json_writer.h"
#include "base/time_format.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> rotate(Core& core, const api::Request&, api::Context&) {
  TRY(core.custody().rotate_keyring());
  return api::Response::none();
}

Result<api::Response> key_status(Core& core, const api::Request&,
                                 api::Context&) {
  TRY_ASSIGN(const auto status, core.barrier().key_status());
  std::string data;
  JsonWriter out(data);
  out.begin_object();
  out.member("encryptions", status.encryptions);
  out.member("install_time", format_rfc3339_nano(status.install_time));
  out.member("term", status.term).end_object();
  return duplicated(std::move(data));
}

}  // namespace

void add_rotate_routes(Core& core, Routes& routes) {
  using api::Operation;
  for (const std::string_view pattern : {"rotate", "rotate/keyring"}) {
    routes.push_back({.pattern = pattern,
                      .fields = {},
                      .methods = {method(core, Operation::kUpdate, rotate,
                                         "Adds a key to the keyring.")},
                      .synopsis = "Adds a key to the keyring.",
                      .sudo = true});
  }
  routes.push_back({.pattern = "key-status",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, key_status,
                                       "Shows the newest key's term.")},
                    .synopsis = "Shows the newest key of the keyring."});
}

}  // namespace bulla::server
