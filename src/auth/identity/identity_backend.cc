#include "auth/identity/identity_backend.h"

namespace bulla::auth {

IdentityBackend::IdentityBackend(IdentityStore& store, FindMount find_mount)
    : store_(store), find_mount_(std::move(find_mount)) {
  add_entity_routes();
  add_alias_routes();
}

std::string_view IdentityBackend::help() const {
  return "The identity store knows persons and workloads, whatever auth method "
         "they log in by: entities, and the aliases that auth methods know "
         "them by.";
}

api::Handler IdentityBackend::bound(
    Response (IdentityBackend::*member)(const Request&, Context&)) {
  return [this, member](const Request& request, Context& context) {
    return (this->*member)(request, context);
  };
}

}  // namespace bulla::auth
