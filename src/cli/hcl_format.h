#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace bulla::cli {

/// `text` in the one layout for HCL: two spaces a level, one space around "=",
/// no white space at line ends, at most one empty line, one newline at the end.
/// Comments and heredocs stay; the meaning is checked to be the same.
///   kInvalidArgument  not HCL: "line N: …".
Result<std::string> format_hcl(std::string_view text);

}  // namespace bulla::cli
