#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulla::cli {

/// An OpenPGP public key as the API takes it, base64 of its bytes, from what a
/// file holds: those bytes, armour around them, or that base64.
std::string pgp_key_text(std::string_view file);

/// The keys in the files that `lists` name, separated by commas, in order.
///   kInvalidArgument  "keybase:…", which is not fetched.
///   kUnavailable      a file cannot be read.
Result<std::vector<std::string>> read_pgp_keys(
    const std::vector<std::string>& lists);

}  // namespace bulla::cli
