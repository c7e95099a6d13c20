#pragma once

#include <string>
#include <vector>

#include "api/field.h"
#include "base/result.h"

namespace bulla::engine::tools {

/// The fields of `hash[/:urlalgorithm]`, of transit and of sys/tools alike
/// (reference/sys.md §10).
const std::vector<api::Field>& hash_fields();

/// {"sum":…} of the input in `fields`. Any thread.
///   kInvalidArgument  the reference's texts.
Result<std::string> hash_json(const api::Fields& fields);

}  // namespace bulla::engine::tools
