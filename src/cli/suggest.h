#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulla::cli {

/// The candidate that `word` was most likely meant to be; "" when none is near
/// (a third of its letters changed at most, one letter always).
std::string nearest(std::string_view word,
                    const std::vector<std::string>& candidates);

}  // namespace bulla::cli
