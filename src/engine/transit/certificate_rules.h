#pragma once

#include <cstdint>

#include "api/field.h"
#include "base/result.h"
#include "engine/transit/key.h"

namespace bulla::engine::transit {

/// What a key must be to be certified: it signs and is not derived.
///   kInvalidArgument  it is not.
Result<void> check_certifiable(const Key& key);

/// The version that a request for a certificate is about: `version`, or the
/// latest where it is absent.
///   kInvalidArgument  "no such key version".
Result<std::uint32_t> certified_version(const api::Fields& fields,
                                        const KeyRecord& record);

}  // namespace bulla::engine::transit
