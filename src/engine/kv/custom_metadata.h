#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace bulla::engine::kv {

using CustomMetadata = std::map<std::string, std::string>;

/// Puts the members of `given` into `custom`, and takes out those that are
/// null; the result is held to the limits of reference/kv.md §3.6.
///   kInvalidArgument  every limit that is passed, each on a line.
Result<void> merge_custom(const JsonObject& given, CustomMetadata& custom);
/// The same in place of whatever was there; null is an empty value then.
Result<CustomMetadata> parse_custom(const JsonObject& given);

}  // namespace bulla::engine::kv
