#pragma once

#include <string_view>

#include "cli/invocation.h"

namespace bulla::cli {

/// The secret that argument `index` gives: itself, or standard input for "-",
/// or what is typed unseen at `prompt` where the argument is missing. Without
/// white space around it, and hidden in errors from here on.
///   kInvalidArgument  nothing was given.
///   kUnavailable      no terminal to ask on, or unreadable input.
Result<SecretBytes> secret_argument(Invocation& call, std::size_t index,
                                    std::string_view prompt);

}  // namespace bulla::cli
