#pragma once

#include <string_view>

#include "base/hcl.h"

namespace bulla {

constexpr std::size_t kHclDepthMax = 64;
constexpr std::size_t kHclBytesMax = std::size_t{1} << 20;

/// parse_hcl's JSON half: an object whose members become items without labels;
/// members that are null are left out. `text` is valid UTF-8 and at most
/// kHclBytesMax long.
///   kInvalidArgument  "line N: …".
Result<HclObject> parse_hcl_json(std::string_view text);

}  // namespace bulla
