#include "auth/ttl.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"

namespace bulla::auth {
namespace {

Seconds stricter(Seconds limit, Seconds other) {
  return other > Seconds{0} ? std::min(limit, other) : limit;
}

// As OpenBao prints it here: "768h", not "768h0m0s". From seconds, since
// printing counts nanoseconds.
std::string printed(Seconds seconds) {
  constexpr Seconds kPrintableMax{9'000'000'000};
  std::string text = format_go_duration(std::min(seconds, kPrintableMax));
  for (const auto& [end, shorter] :
       {std::pair<std::string_view, std::size_t>{"m0s", 2}, {"h0m", 2}}) {
    if (text.ends_with(end)) text.resize(text.size() - shorter);
  }
  return text;
}

Seconds wanted_ttl(const TokenTtls& limits, const TtlRequest& request) {
  if (request.increment > Seconds{0}) return request.increment;
  return request.ttl > Seconds{0} ? request.ttl : limits.default_ttl;
}

}  // namespace

Result<TtlResult> calculate_ttl(const TokenTtls& limits,
                                const TtlRequest& request, Time now) {
  const Seconds max_ttl = stricter(
      stricter(limits.max_ttl, request.role_max_ttl), request.explicit_max_ttl);
  TtlResult result;
  Seconds lifetime = max_ttl;  // from the start; 0: without end
  if (request.period > Seconds{0}) {
    result.ttl = std::min(request.period, max_ttl);
    lifetime = request.explicit_max_ttl;
    if (request.period > max_ttl) {
      result.warnings.push_back(
          fmt::format("period of \"{}\" exceeded the effective max_ttl of "
                      "\"{}\"; period value is capped accordingly",
                      printed(request.period), printed(max_ttl)));
    }
  } else {
    result.ttl = wanted_ttl(limits, request);
  }
  if (lifetime <= Seconds{0}) return result;
  const Seconds age{unix_seconds(now) - unix_seconds(request.start)};
  // A clock that stepped back must not lengthen a life.
  const Seconds left = std::min(lifetime, lifetime - age);
  if (left <= Seconds{0}) {
    return fail(internal_error("past the max TTL, cannot renew"));
  }
  if (result.ttl > left) {
    result.warnings.push_back(
        fmt::format("TTL of \"{}\" exceeded the effective max_ttl of \"{}\"; "
                    "TTL value is capped accordingly",
                    printed(result.ttl), printed(left)));
    result.ttl = left;
  }
  return result;
}

Time expiry_after(Time now, Seconds ttl) {
  // One second below the end, for the fraction that `now` carries.
  const Seconds room{unix_seconds(Time::max()) - unix_seconds(now) - 1};
  return now + std::min(ttl, std::max(room, Seconds{0}));
}

}  // namespace bulla::auth
