#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bulla::net {

/// The path and the query ("" without one) of a request target, both still
/// encoded. Of the absolute form, "http://host/path?query", scheme and host are
/// dropped. They live as long as `target`.
struct Target {
  std::string_view path;
  std::string_view query;
};
Target split_target(std::string_view target);

/// Decodes %XX, once; '+' stays. kInvalidArgument on a broken escape:
/// `invalid URL escape "%zz"`.
Result<std::string> percent_decode(std::string_view text);

/// As percent_decode, with '+' for a space: a query's or a form's key or value.
Result<std::string> query_decode(std::string_view text);

/// Encodes all but letters, digits, "-._~" and the characters of `keep`.
std::string percent_encode(std::string_view text, std::string_view keep = {});

/// Parameters of a query, unless its reader says otherwise.
inline constexpr std::size_t kQueryParametersMax = 1000;

/// The parameters of "a=1&b=%20&c", in their order, repeats kept; a key alone
/// has "". For form bodies too.
///   kInvalidArgument  a broken escape, a ';' used as a separator, or more than
///                     `most` parameters.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
Result<QueryParameters> parse_query(std::string_view query,
                                    std::size_t most = kQueryParametersMax);

}  // namespace bulla::net
