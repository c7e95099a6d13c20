// sys/rekey, sys/rekey-recovery-key (bare) and sys/rotate/root,
// sys/rotate/recovery (enveloped): new keys by a quorum of shares.

#include <algorithm>

#include "server/sys/handlers.h"
#include "server/sys/rekey_body.h"
#include "server/sys/share_text.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

using seal::RekeyCaller;
using seal::RekeyTarget;
using Dialect = seal::RekeyCaller::Dialect;

template <Dialect kDialect>
RekeyCaller caller_of(const api::Context& context) {
  RekeyCaller caller;
  caller.dialect = kDialect;
  caller.trusted = context.token != nullptr;
  // Behind a token and its policy the nonce would guard nothing more.
  caller.cancels_freely = kDialect == Dialect::kRotate;
  caller.sudo = caller.trusted && context.sudo;
  return caller;
}

// The bare rows answer while sealed, too, since Vault's say then what is wrong.
Result<void> check_serving(Core& core) {
  TRY_ASSIGN(const bool initialized, core.custody().initialized());
  if (!initialized) {
    return fail(invalid_argument("server is not yet initialized"));
  }
  if (core.serving()) return {};
  return fail(ErrorCode::kSealed, "Vault is sealed");
}

template <Dialect kDialect>
api::Response answer(std::string json) {
  return kDialect == Dialect::kRekey
             ? api::Response::bare_body(std::move(json))
             : api::Response::with_data(std::move(json));
}

template <RekeyTarget kTarget, Dialect kDialect>
Result<api::Response> status(Core& core, const api::Request&,
                             api::Context& context) {
  TRY(check_serving(core));
  TRY_ASSIGN(const auto found,
             core.rekey(kTarget).status(caller_of<kDialect>(context)));
  return answer<kDialect>(rekey_status_json(found));
}

seal::RekeyParams params_of(const api::Fields& fields) {
  seal::RekeyParams params;
  params.shares = fields.integer("secret_shares");
  params.threshold = fields.integer("secret_threshold");
  params.pgp_keys = fields.strings("pgp_keys");
  params.backup = fields.boolean("backup");
  params.require_verification = fields.boolean("require_verification");
  params.verify_all = fields.boolean("verify_all");
  return params;
}

template <RekeyTarget kTarget, Dialect kDialect>
Result<api::Response> begin(Core& core, const api::Request& request,
                            api::Context& context) {
  TRY(check_serving(core));
  const RekeyCaller caller = caller_of<kDialect>(context);
  TRY_ASSIGN(const auto made,
             core.rekey(kTarget).begin(params_of(request.fields), caller));
  if (made) return answer<kDialect>(rekey_result_json(*made));
  RekeyCaller beginner = caller;
  beginner.trusted = true;  // of what it has just begun
  TRY_ASSIGN(const auto found, core.rekey(kTarget).status(beginner));
  return answer<kDialect>(rekey_status_json(found));
}

template <RekeyTarget kTarget, Dialect kDialect>
Result<api::Response> cancel(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY(check_serving(core));
  TRY(core.rekey(kTarget).cancel(request.fields.text("nonce"),
                                 caller_of<kDialect>(context)));
  return api::Response::none();
}

template <Dialect kDialect>
Result<SecretBytes> share_of(const api::Fields& fields) {
  const std::string_view key = fields.text("key");
  if (key.empty()) {
    return fail(invalid_argument(
        kDialect == Dialect::kRotate
            ? "missing required field 'key'"
            : "'key' must be specified in request body as JSON"));
  }
  if (kDialect == Dialect::kRotate && fields.text("nonce").empty()) {
    return fail(invalid_argument("missing required field 'nonce'"));
  }
  return decode_share(key);
}

template <RekeyTarget kTarget, Dialect kDialect>
Result<api::Response> update(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY(check_serving(core));
  TRY_ASSIGN(auto share, share_of<kDialect>(request.fields));
  RekeyCaller caller = caller_of<kDialect>(context);
  seal::Rekey& rekey = core.rekey(kTarget);
  TRY_ASSIGN(
      const auto made,
      rekey.update(std::move(share), request.fields.text("nonce"), caller));
  if (made) return answer<kDialect>(rekey_result_json(*made));
  caller.trusted = true;  // it knew the nonce
  TRY_ASSIGN(const auto found, rekey.status(caller));
  return answer<kDialect>(rekey_status_json(found));
}

template <RekeyTarget kTarget, Dialect kDialect>
Result<api::Response> verify_status(Core& core, const api::Request&,
                                    api::Context& context) {
  TRY(check_serving(core));
  TRY_ASSIGN(const auto found,
             core.rekey(kTarget).verify_status(caller_of<kDialect>(context)));
  return answer<kDialect>(verify_status_json(found));
}

template <RekeyTarget kTarget, Dialect kDialect>
Result<api::Response> verify(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY(check_serving(core));
  TRY_ASSIGN(auto share, share_of<kDialect>(request.fields));
  TRY_ASSIGN(
      const auto found,
      core.rekey(kTarget).verify(std::move(share), request.fields.text("nonce"),
                                 caller_of<kDialect>(context)));
  return answer<kDialect>(verify_status_json(found));
}

template <RekeyTarget kTarget, Dialect kDialect>
Result<api::Response> restart(Core& core, const api::Request& request,
                              api::Context& context) {
  TRY(check_serving(core));
  TRY_ASSIGN(const auto found,
             core.rekey(kTarget).restart_verification(
                 request.fields.text("nonce"), caller_of<kDialect>(context)));
  return answer<kDialect>(verify_status_json(found));
}

std::vector<api::Field> begin_fields() {
  using api::FieldType;
  return {
      {"secret_shares", FieldType::kInt, "Shares to split the new key in."},
      {"secret_threshold", FieldType::kInt, "Shares of it that are needed."},
      {"pgp_keys", FieldType::kCommaStringSlice,
       "A public key, base64, for each share."},
      {"backup", FieldType::kBool,
       "Keep the encrypted shares, to be read again.", "false"},
      {"require_verification", FieldType::kBool,
       "The new key counts when enough new shares were echoed.", "false"},
      {"verify_all", FieldType::kBool,
       "The new key counts when every new share was echoed.", "false"},
      {"nonce", FieldType::kString, "The operation to cancel."}};
}

std::vector<api::Field> share_fields() {
  using api::FieldType;
  return {{"key", FieldType::kString, "A share, hexadecimal or base64."},
          {"nonce", FieldType::kString, "The operation's nonce."}};
}

struct Patterns {
  std::string_view init, update, verify;
};

template <RekeyTarget kTarget, Dialect kDialect>
void add_rows(Core& core, Routes& routes, const Patterns& patterns,
              bool unauthenticated) {
  using api::Operation;
  constexpr bool kBare = kDialect == Dialect::kRekey;
  const auto add = [&](std::string_view pattern, std::vector<api::Field> fields,
                       std::vector<api::Method> methods,
                       std::string_view synopsis) {
    routes.push_back({.pattern = pattern,
                      .fields = std::move(fields),
                      .methods = std::move(methods),
                      .synopsis = synopsis,
                      .unauthenticated = unauthenticated,
                      .while_sealed = kBare});
  };
  add(patterns.init, begin_fields(),
      {method(core, Operation::kRead, status<kTarget, kDialect>,
              "Shows the progress."),
       method(core, Operation::kUpdate, begin<kTarget, kDialect>,
              "Begins a rekey."),
       method(core, Operation::kDelete, cancel<kTarget, kDialect>,
              "Cancels the rekey.")},
      "A new key and new shares of it, begun, watched or cancelled.");
  add(patterns.update, share_fields(),
      {method(core, Operation::kUpdate, update<kTarget, kDialect>,
              "Takes a share.")},
      "Takes the present shares that authorise the new key.");
  add(patterns.verify, share_fields(),
      {method(core, Operation::kRead, verify_status<kTarget, kDialect>,
              "Shows the verification's progress."),
       method(core, Operation::kUpdate, verify<kTarget, kDialect>,
              "Takes a new share."),
       method(core, Operation::kDelete, restart<kTarget, kDialect>,
              "Begins the verification anew.")},
      "Takes the new shares, before the new key counts.");
}

}  // namespace

void add_rekey_routes(Core& core, Routes& routes) {
  const auto& listeners = core.config().listeners;
  const bool open = !listeners.empty() &&
                    std::ranges::none_of(listeners, [](const auto& listener) {
                      return listener.disable_unauthed_rekey_endpoints;
                    });
  add_rows<RekeyTarget::kRoot, Dialect::kRekey>(
      core, routes, {"rekey/init", "rekey/update", "rekey/verify"}, open);
  add_rows<RekeyTarget::kRecovery, Dialect::kRekey>(
      core, routes,
      {"rekey-recovery-key/init", "rekey-recovery-key/update",
       "rekey-recovery-key/verify"},
      open);
  add_rows<RekeyTarget::kRoot, Dialect::kRotate>(
      core, routes,
      {"rotate/root/init", "rotate/root/update", "rotate/root/verify"}, false);
  add_rows<RekeyTarget::kRecovery, Dialect::kRotate>(
      core, routes,
      {"rotate/recovery/init", "rotate/recovery/update",
       "rotate/recovery/verify"},
      false);
}

}  // namespace bulla::server
