#include "auth/token_backend.h"

#include "auth/token/token_role.h"

namespace bulla::auth {

TokenBackend::TokenBackend(api::BackendContext context, TokenStore& tokens,
                           PolicyStore& policies, TokenTtls ttls,
                           FindLoginBounds login_bounds)
    : roles_(context.storage.sub("roles/")),
      clock_(context.clock),
      tokens_(tokens),
      policies_(policies),
      system_ttls_(ttls),
      login_bounds_(std::move(login_bounds)) {
  TokenBackend::tuned(context.config);
  add_create_routes();
  add_lookup_routes();
  add_renew_routes();
  add_revoke_routes();
  add_accessor_routes();
  add_role_routes();
}

TokenBackend::~TokenBackend() = default;

void TokenBackend::tuned(const api::MountConfig& config) {
  auto ttls = std::make_shared<TokenTtls>(system_ttls_);
  if (config.default_lease_ttl > Seconds{0}) {
    ttls->default_ttl = config.default_lease_ttl;
  }
  if (config.max_lease_ttl > Seconds{0}) ttls->max_ttl = config.max_lease_ttl;
  ttls_.publish(std::move(ttls));
}

std::string_view TokenBackend::help() const {
  return "The token credential backend is always there: every authenticated "
         "request carries a token, and here tokens are made, looked up, "
         "renewed and revoked.";
}

}  // namespace bulla::auth
