// auth/token/renew, renew-self, renew-accessor.

#include <fmt/format.h>

#include <algorithm>

#include "auth/token/token_errors.h"
#include "auth/token/token_role.h"
#include "auth/token_backend.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

Seconds lesser(Seconds a, Seconds b) {
  if (a == Seconds{0} || b == Seconds{0}) return std::max(a, b);
  return std::min(a, b);
}

}  // namespace

// What bounds the renewal of `token`: its role, or the login that it is from.
// Returns the maximum since its issue.
Result<Seconds> TokenBackend::bound_renewal(api::Token& token,
                                            Seconds& increment) const {
  if (login_bounds_) {
    TRY_ASSIGN(const auto login, login_bounds_(token));
    if (login) {
      token.period = login->period;
      const bool unsaid =
          increment == Seconds{0} && login->period == Seconds{0};
      if (unsaid) increment = login->ttl;
      return login->max_ttl;
    }
  }
  if (token.role.empty()) return ttls().max_ttl;
  TRY_ASSIGN(const auto role, find_role(token.role));
  if (!role) {
    return fail(internal_error(
        fmt::format("failed to renew entry: original token role \"{}\" could "
                    "not be found, not renewing",
                    token.role)));
  }
  token.period = lesser(token.period, role->period);
  token.explicit_max_ttl =
      lesser(token.explicit_max_ttl, role->explicit_max_ttl);
  return ttls().max_ttl;
}

// `id` is shown in the answer; "" for the accessor form.
TokenBackend::Response TokenBackend::renew_token(const api::Token& token,
                                                 std::string_view id,
                                                 Seconds increment) {
  api::Token bound = token;
  TRY_ASSIGN(const Seconds max_ttl, bound_renewal(bound, increment));
  TRY_ASSIGN(RenewedToken granted, tokens_.renew(bound, increment, max_ttl));
  const api::Token* const renewed = granted.token.get();
  api::Response response;
  response.present = true;
  response.warnings = std::move(granted.warnings);
  auto auth = std::make_unique<api::Auth>();
  auth->client_token = id;
  auth->accessor = renewed->accessor;
  auth->policies = renewed->policies;
  auth->token_policies = renewed->policies;
  auth->metadata = renewed->meta;
  auth->lease_duration = granted.ttl;
  auth->renewable = renewed->renewable;
  auth->entity_id = renewed->entity_id;
  auth->orphan = renewed->orphan;
  auth->display_name = renewed->display_name;
  auth->num_uses = std::max<std::int64_t>(renewed->num_uses, 0);
  response.auth = std::move(auth);
  return response;
}

TokenBackend::Response TokenBackend::renew(const Request& request, Context&) {
  const std::string_view id = request.fields.text("token");
  if (id.empty()) return fail(invalid_argument("missing token ID"));
  const auto token = tokens_.lookup(id, true);
  if (!token) {
    if (token.error().code() != ErrorCode::kPermissionDenied) {
      return fail(token.error());
    }
    return fail(invalid_argument("token not found"));
  }
  return renew_token(**token, id, request.fields.duration("increment"));
}

TokenBackend::Response TokenBackend::renew_self(const Request& request,
                                                Context& context) {
  if (!context.token) return fail(permission_denied());
  return renew_token(*context.token, context.client_token,
                     request.fields.duration("increment"));
}

TokenBackend::Response TokenBackend::renew_accessor(const Request& request,
                                                    Context&) {
  const std::string_view accessor = request.fields.text("accessor");
  if (accessor.empty()) return fail(wrapped_argument("missing accessor"));
  TRY_ASSIGN(const auto token, token_by_accessor(tokens_, accessor));
  return renew_token(*token, {}, request.fields.duration("increment"));
}

void TokenBackend::add_renew_routes() {
  const api::Field increment{"increment", FieldType::kDuration,
                             "How long from now", "0"};
  routes_.push_back(
      {.pattern = "renew",
       .fields = {{"token", FieldType::kString, "Token to renew"}, increment},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    [this](const Request& r, Context& c) {
                      return renew(r, c);
                    },
                    "Renew it"}},
       .synopsis = "Renew a token"});
  routes_.push_back(
      {.pattern = "renew-self",
       .fields = {{"token", FieldType::kString, "Not read"}, increment},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    [this](const Request& r, Context& c) {
                      return renew_self(r, c);
                    },
                    "Renew it"}},
       .synopsis = "Renew the calling token"});
  routes_.push_back(
      {.pattern = "renew-accessor",
       .fields = {{"accessor", FieldType::kString, "Accessor of the token"},
                  increment},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    [this](const Request& r, Context& c) {
                      return renew_accessor(r, c);
                    },
                    "Renew it"}},
       .synopsis = "Renew a token by its accessor"});
}

}  // namespace bulla::auth
