// sys/seal, sys/unseal, sys/seal-status, sys/leader, sys/step-down.

#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/share_text.h"
#include "server/sys/status_body.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> do_seal(Core& core, const api::Request&,
                              api::Context& context) {
  // Without a token this came while sealed, when there is nothing to do.
  if (context.token && core.serving()) core.seal();
  return api::Response::none();
}

// There is one node: nobody to step down for, sealed or not.
Result<api::Response> step_down(Core&, const api::Request&, api::Context&) {
  return api::Response::none();
}

Result<api::Response> status(Core& core, const api::Request&, api::Context&) {
  TRY_ASSIGN(auto body, seal_status_json(core));
  return api::Response::bare_body(std::move(body));
}

Result<void> reset(Core& core) {
  if (core.serving()) return fail(invalid_argument("vault is unsealed"));
  return core.custody().reset_shares();
}

Result<api::Response> unseal(Core& core, const api::Request& request,
                             api::Context& context) {
  const api::Fields& fields = request.fields;
  const std::string_view key = fields.text("key");
  if (fields.boolean("reset")) {
    TRY(reset(core));
    return status(core, request, context);
  }
  if (const auto passphrase = fields.text("passphrase"); !passphrase.empty()) {
    TRY(core.unseal(SecretBytes::copy_of(as_bytes(passphrase)),
                    fields.text("passkey")));
    return status(core, request, context);
  }
  if (key.empty()) {
    return fail(
        invalid_argument("'key' must be specified in request body as JSON, or "
                         "'reset' set to true"));
  }
  if (fields.boolean("migrate")) {
    return fail(internal_error(
        "can't perform a seal migration, no migration seal found"));
  }
  TRY_ASSIGN(auto share, decode_share(key));
  TRY(core.unseal(std::move(share)));
  return status(core, request, context);
}

Result<api::Response> leader(Core&, const api::Request&, api::Context&) {
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  out.member("ha_enabled", false).member("is_self", false);
  out.member("active_time", "0001-01-01T00:00:00Z");
  out.member("leader_address", "").member("leader_cluster_address", "");
  out.member("performance_standby", false);
  out.member("performance_standby_last_remote_wal", 0);
  out.end_object();
  return api::Response::bare_body(std::move(body));
}

}  // namespace

void add_seal_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  routes.push_back({.pattern = "seal",
                    .fields = {},
                    .methods = {method(core, Operation::kUpdate, do_seal,
                                       "Seals the server.")},
                    .synopsis = "Seals the server.",
                    .sudo = true,
                    .while_sealed = true});
  routes.push_back(
      {.pattern = "step-down",
       .fields = {},
       .methods = {method(core, Operation::kUpdate, step_down,
                          "Gives up being the active node.")},
       .synopsis = "Gives up being the active node; a single node stays it.",
       .sudo = true,
       .while_sealed = true});
  routes.push_back(
      {.pattern = "unseal",
       .fields = {{"key", FieldType::kString,
                   "A share of the unseal key, hexadecimal or base64."},
                  {"reset", FieldType::kBool, "Drops the shares given so far.",
                   "false"},
                  {"migrate", FieldType::kBool, "Not available.", "false"},
                  {"passphrase", FieldType::kString,
                   "In place of shares: the passphrase of a passkey."},
                  {"passkey", FieldType::kString,
                   "Which passkey it is of; any if nothing is said."}},
       .methods = {method(core, Operation::kUpdate, unseal,
                          "Takes a share of the unseal key, or a "
                          "passphrase.")},
       .synopsis = "Unseals the server, share by share or by a passphrase.",
       .unauthenticated = true,
       .while_sealed = true,
       .audited = false});
  routes.push_back({.pattern = "seal-status",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, status,
                                       "Shows how the server is sealed.")},
                    .synopsis = "Shows how the server is sealed.",
                    .unauthenticated = true,
                    .while_sealed = true,
                    .audited = false});
  routes.push_back({.pattern = "leader",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, leader,
                                       "Shows the active node.")},
                    .synopsis = "Shows the active node.",
                    .unauthenticated = true,
                    .while_sealed = true,
                    .audited = false});
}

}  // namespace bulla::server
