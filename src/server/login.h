#pragma once

#include <optional>

#include "api/backend.h"
#include "auth/login_bounds.h"
#include "server/core.h"

namespace bulla::server {

/// Whether logins of this type of auth method are counted and locked.
bool has_lockout(std::string_view type);

/// Runs the handler of a login route and makes the token that its answer
/// describes: policies, life, entity, addresses.
///   kPermissionDenied  too many failures under that name, or an address that
///                      the token is not bound to.
///   kInvalidArgument   "auth methods cannot create root tokens"; "batch tokens
///                      cannot have …".
///   errors of the handler.
Result<api::Response> log_in(Core& core, const Mount& mount,
                             const api::Handler& handler,
                             const api::Request& request,
                             api::Context& context);

/// What the renewal of a login's token goes by; absent for other tokens.
///   kInternal  the auth method, the user or the role is gone, or its policies
///              are others now: "… not renewing".
Result<std::optional<auth::LoginBounds>> login_bounds(Core& core,
                                                      const api::Token& token);

}  // namespace bulla::server
