#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "dek/records.h"
#include "dek/registry.h"

namespace bulla::dek {

/// One more step of a walk over the DEKs, all records, their bodies and the
/// index: up to `limit` entries. Nothing is changed, writers go on. `cursor`:
/// "" begins, then what the step before gave. A mount that comes or goes
/// meanwhile may be passed over. Any thread; waits for storage.
///   kInvalidArgument  a cursor that no step gave.
///   kSealed           nothing is loaded.
Result<CheckStep> check_records(Registry& registry,
                                const RecordHolders& holders,
                                std::string_view cursor, std::size_t limit);

}  // namespace bulla::dek
