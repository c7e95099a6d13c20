#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace bulla::api {

/// The rest of the weak decoding behind Fields (reference/http.md §5). Errors
/// are kInvalidArgument and say what was expected, never what was sent: a
/// mistyped field may hold a secret. Pure; any thread.

using KvPairs = std::vector<std::pair<std::string, std::string>>;

/// As Go's strconv.ParseDuration plus "d", or whole seconds; "" is 0.
Result<Seconds> text_to_duration(std::string_view text, bool allow_negative);
/// RFC 3339, or seconds since the epoch.
Result<Time> text_to_time(std::string_view text);
/// "1, 2"; "" is none.
Result<std::vector<std::int64_t>> text_to_ints(std::string_view text);
/// "k=v".
Result<std::pair<std::string, std::string>> text_to_pair(std::string_view text);
/// "a, b": split and trimmed; "" is none.
std::vector<std::string> split_commas(std::string_view text);

Result<Time> json_to_time(const JsonElement& element);
/// An array of integers, "1,2", or one number.
Result<std::vector<std::int64_t>> json_to_ints(const JsonElement& element);
/// An object of scalars, ["k=v", …], or "k=v".
Result<KvPairs> json_to_pairs(const JsonElement& element);

/// Without white space at both ends.
std::string_view trimmed(std::string_view text);
/// ASCII letters lower-cased; other bytes as they are.
std::string lower_case(std::string_view text);

/// "expected `what`, got an object".
Error expected(std::string_view what, const JsonElement& got);

}  // namespace bulla::api
