#include "auth/token_backend.h"

#include "auth/token/token_role.h"

namespace bulla::auth {

TokenBackend::TokenBackend(api::BackendContext context, TokenStore& tokens,
                           PolicyStore& policies, TokenTtls ttls)
    : roles_(context.storage.sub("roles/")),
      clock_(context.clock),
      tokens_(tokens),
      policies_(policies),
      ttls_(ttls) {
  // Copied: the configuration is replaced when the mount is tuned.
  if (context.config.default_lease_ttl > Seconds{0}) {
    ttls_.default_ttl = context.config.default_lease_ttl;
  }
  if (context.config.max_lease_ttl > Seconds{0}) {
    ttls_.max_ttl = context.config.max_lease_ttl;
  }
  add_create_routes();
  add_lookup_routes();
  add_renew_routes();
  add_revoke_routes();
  add_accessor_routes();
  add_role_routes();
}

TokenBackend::~TokenBackend() = default;

std::string_view TokenBackend::help() const {
  return "The token credential backend is always there: every authenticated "
         "request carries a token, and here tokens are made, looked up, "
         "renewed and revoked.";
}

}  // namespace bulla::auth
