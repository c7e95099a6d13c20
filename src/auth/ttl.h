#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bulla::auth {

/// The lease times that the system or a mount gives.
struct TokenTtls {
  Seconds default_ttl{768 * 3600};
  Seconds max_ttl{768 * 3600};
};

/// What bounds one issue or renewal of a lease; 0 means not set.
struct TtlRequest {
  Seconds increment{0};  ///< Asked for at a renewal.
  Seconds ttl{0};        ///< Asked for at issue, or the role's.
  Seconds period{0};     ///< Starts anew at each renewal.
  Seconds role_max_ttl{0};
  Seconds explicit_max_ttl{0};  ///< Binds periods too.
  Time start;                   ///< Of the first issue.
};

struct TtlResult {
  Seconds ttl{0};  ///< From now.
  std::vector<std::string> warnings;
};

/// Lease arithmetic in whole seconds (reference/auth.md §5).
///   kInternal  "past the max TTL, cannot renew".
Result<TtlResult> calculate_ttl(const TokenTtls& limits,
                                const TtlRequest& request, Time now);

/// `now` + `ttl`, at the end of time where that would overflow.
Time expiry_after(Time now, Seconds ttl);

}  // namespace bulla::auth
