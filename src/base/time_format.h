#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace bulla {

/// RFC 3339 in UTC as Go's RFC3339Nano prints it: trailing zeros of the
/// fraction dropped, "2026-01-02T03:04:05.678Z".
std::string format_rfc3339_nano(Time time);
/// The same with exactly `digits` (1 to 9) digits of the fraction, cut off.
std::string format_rfc3339_fixed(Time time, int digits);
/// Any RFC 3339 time, with zone and up to nine fractional digits, that a
/// Time can hold (1677 to 2262; Go's zero time is not among them).
///   kInvalidArgument  not one.
Result<Time> parse_rfc3339(std::string_view text);

/// Vault's durations: "30" (seconds), "1h30m", "100ms", "5d" (24 h each),
/// "-1h", "1.5h"; units ns, us, µs, ms, s, m, h, d.
///   kInvalidArgument  not a duration, or beyond 292 years.
Result<Duration> parse_duration(std::string_view text);
/// As Go prints a time.Duration: "24h0m0s", "1m30s", "0s", "1.5s".
std::string format_go_duration(Duration duration);

}  // namespace bulla
