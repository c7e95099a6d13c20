// sys/generate-root (bare) and sys/generate-root-token (enveloped): a root
// token by a quorum of shares.

#include <algorithm>

#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/share_text.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

std::string status_json(const RootGeneration::Status& status) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.member("nonce", status.nonce);
  out.member("started", status.started);
  out.member("progress", static_cast<std::uint64_t>(status.progress));
  out.member("required", status.required);
  out.member("complete", status.complete);
  out.member("encoded_token", status.encoded_token);
  out.member("encoded_root_token", status.encoded_token);
  out.member("pgp_fingerprint", status.fingerprint);
  out.member("otp", status.otp);
  out.member("otp_length",
             static_cast<std::uint64_t>(RootGeneration::kOtpBytes));
  out.end_object();
  return json;
}

template <bool kBare>
Result<api::Response> answer(Result<RootGeneration::Status> status) {
  if (!status) return fail(std::move(status).error());
  return kBare ? api::Response::bare_body(status_json(*status))
               : api::Response::with_data(status_json(*status));
}

template <bool kBare>
Result<api::Response> read_attempt(Core& core, const api::Request&,
                                   api::Context& context) {
  return answer<kBare>(core.root_generation().status(context.token != nullptr));
}

template <bool kBare>
Result<api::Response> begin(Core& core, const api::Request& request,
                            api::Context&) {
  return answer<kBare>(core.root_generation().begin(
      request.fields.text("otp"), request.fields.text("pgp_key")));
}

Result<api::Response> cancel(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY(core.root_generation().cancel(request.fields.text("nonce"),
                                    context.token != nullptr));
  return api::Response::none();
}

template <bool kBare>
Result<api::Response> update(Core& core, const api::Request& request,
                             api::Context& context) {
  const std::string_view key = request.fields.text("key");
  if (key.empty()) {
    return fail(
        invalid_argument("'key' must be specified in request body as JSON"));
  }
  TRY_ASSIGN(auto share, decode_share(key));
  return answer<kBare>(core.root_generation().update(
      std::move(share), request.fields.text("nonce"),
      context.token != nullptr));
}

template <bool kBare>
void add_rows(Core& core, Routes& routes, std::string_view attempt,
              std::string_view shares, bool unauthenticated) {
  using api::FieldType;
  using api::Operation;
  routes.push_back(
      {.pattern = attempt,
       .fields = {{"otp", FieldType::kString,
                   "A one-time password of otp_length characters."},
                  {"pgp_key", FieldType::kString,
                   "A public key, base64, to encrypt the token to."},
                  {"nonce", FieldType::kString, "The attempt to cancel."}},
       .methods = {method(core, Operation::kRead, read_attempt<kBare>,
                          "Shows the attempt's progress."),
                   method(core, Operation::kUpdate, begin<kBare>,
                          "Begins an attempt."),
                   method(core, Operation::kDelete, cancel,
                          "Cancels the attempt.")},
       .synopsis = "An attempt to make a root token by shares.",
       .unauthenticated = unauthenticated});
  routes.push_back(
      {.pattern = shares,
       .fields = {{"key", FieldType::kString,
                   "A share of the unseal or recovery key."},
                  {"nonce", FieldType::kString, "The attempt's nonce."}},
       .methods = {method(core, Operation::kUpdate, update<kBare>,
                          "Takes a share.")},
       .synopsis = "Takes the shares that authorise a root token.",
       .unauthenticated = unauthenticated});
}

}  // namespace

void add_generate_root_routes(Core& core, Routes& routes) {
  const auto& listeners = core.config().listeners;
  const bool open = std::ranges::none_of(listeners, [](const auto& listener) {
    return listener.disable_unauthed_generate_root_endpoints;
  });
  add_rows<true>(core, routes, "generate-root/attempt", "generate-root/update",
                 open && !listeners.empty());
  add_rows<false>(core, routes, "generate-root-token/attempt",
                  "generate-root-token/update", false);
}

}  // namespace bulla::server
