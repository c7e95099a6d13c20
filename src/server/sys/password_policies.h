#pragma once

#include "server/sys/sys_backend.h"

namespace bulla::server {

/// sys/policies/password: how passwords are made, and making them.
void add_password_policy_routes(Core& core, Routes& routes);

}  // namespace bulla::server
