#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulla::auth {

/// "10.0.0.0/8", "2001:db8::/32", or one address, which gets its full length.
/// Host bits are kept as written.
///   kInvalidArgument  not a block of addresses.
Result<std::string> parse_cidr(std::string_view text);

/// Whether `address` ("10.1.2.3", "::1", "::ffff:10.1.2.3") is in one of the
/// blocks; also when there are none. Anything unreadable is in none.
bool cidrs_contain(const std::vector<std::string>& blocks,
                   std::string_view address);

/// Whether `block` is a part of one of the blocks; also when there are none.
bool cidr_within(const std::vector<std::string>& blocks,
                 std::string_view block);

}  // namespace bulla::auth
