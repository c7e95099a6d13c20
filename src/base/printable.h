#pragma once

#include <string_view>

namespace bulla {

/// Whether `text` is UTF-8 without controls, unusual spaces, marks that turn
/// the direction of text, and private use: two names that look alike in a log
/// must not be two names.
bool is_printable(std::string_view text);

}  // namespace bulla
