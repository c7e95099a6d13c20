#pragma once

#include <functional>
#include <optional>

#include "api/token.h"
#include "base/clock.h"
#include "base/result.h"

namespace bulla::auth {

/// What bounds the renewal of a token that a login made, as its auth method
/// says now.
struct LoginBounds {
  Seconds ttl{0};      ///< Where the renewal asks for nothing.
  Seconds max_ttl{0};  ///< Of the role and the mount, whichever is less.
  Seconds period{0};
};

/// The bounds of a login's token; absent for tokens that no login made.
///   kInternal  "…, not renewing".
using FindLoginBounds =
    std::function<Result<std::optional<LoginBounds>>(const api::Token&)>;

}  // namespace bulla::auth
