#pragma once

#include <optional>
#include <string>

#include "cli/invocation.h"

namespace bulla::cli {

/// The `data` of an answer; the answer itself where it has none.
const Value& data_of(const Value& answer);

/// The id of the DEK that `argument` names by id or by name; absent, and said
/// so (`code`: to exit with), where it names none or several.
std::optional<std::string> dek_id(Invocation& call, const std::string& argument,
                                  int& code);

}  // namespace bulla::cli
