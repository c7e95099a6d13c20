#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/field.h"
#include "base/clock.h"
#include "base/result.h"
#include "engine/transit/key_record.h"

namespace bulla::engine::transit {

/// What a key's parameters may become (reference/transit.md §3, §4).

/// kInvalidArgument  neither 0 nor an hour or more.
Result<void> check_auto_rotate_period(Seconds period);

/// max_operations as create and config take it: 0 for as many as the type
/// allows.
///   kInvalidArgument  too few, more than nonces allow, or of a type that does
///                     not encrypt.
Result<std::uint64_t> check_max_operations(std::int64_t asked,
                                           const KeyRecord& record);

/// What keys that an HSM has cannot be: exportable, backed up, or rotated by
/// the server itself.
///   kInvalidArgument  `record` is of type managed_key and one of these.
Result<void> check_managed(const KeyRecord& record);

/// Applies keys/:name/config to `record`, warnings to `warnings`; true when
/// anything changed.
///   kInvalidArgument  the reference's texts; `record` is then half changed
///                     and to be thrown away.
Result<bool> apply_config(const api::Fields& fields, KeyRecord& record,
                          std::vector<std::string>& warnings);

/// The new min_available_version of keys/:name/trim.
///   kInvalidArgument  the reference's texts, in its order.
Result<std::uint32_t> check_trim(const api::Fields& fields,
                                 const KeyRecord& record);

}  // namespace bulla::engine::transit
