#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/invocation.h"

namespace bulla::cli {

/// How a command that takes a share is given it.
struct ShareInput {
  std::vector<SecretBytes> shares;  ///< One, or each line of standard input.
  std::string nonce;
};

/// The shares that argument 0 gives (itself, standard input for "-", or what is
/// typed unseen where it is missing), and the nonce: -nonce, or where the share
/// is typed `nonce_now`, which is shown before. All hidden in errors from here
/// on.
///   kInvalidArgument  nothing was given, or no nonce.
///   kUnavailable      no terminal to ask on, or unreadable input.
Result<ShareInput> share_input(Invocation& call, std::string_view prompt,
                               const std::string& nonce_now);

/// The lines of `text` that are not blank, without white space around them.
std::vector<SecretBytes> secret_lines(std::string_view text);

}  // namespace bulla::cli
