#pragma once

#include <string>
#include <vector>

#include "api/field.h"
#include "base/result.h"
#include "crypto/rng.h"

namespace bulla::engine::tools {

/// The fields of `random[/:source][/:urlbytes]`, of transit and of sys/tools
/// alike (reference/sys.md §10).
const std::vector<api::Field>& random_fields();

/// {"random_bytes":…} as `fields` ask for. All sources are `rng`. Any thread.
///   kInvalidArgument  the reference's texts.
Result<std::string> random_json(const api::Fields& fields, crypto::Rng& rng);

}  // namespace bulla::engine::tools
