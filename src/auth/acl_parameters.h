#pragma once

#include <optional>

#include "auth/acl_rules.h"
#include "base/json.h"

namespace bulla::auth {

/// Whether `rule` lets a request with these parameters pass: all required ones
/// are there, none is denied, each is allowed (reference/auth.md §10,
/// "Parameters"). A list is denied when one element is, and allowed when every
/// element is or the whole list is written in the policy. Any thread.
bool parameters_allowed(const AclRule& rule,
                        const std::optional<JsonObject>& body);

}  // namespace bulla::auth
