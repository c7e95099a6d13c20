#pragma once

#include <vector>

#include "cli/table.h"
#include "cli/value.h"

namespace bulla::cli {

/// The "Key / Value" rows of sys/seal-status (with the members of sys/leader,
/// where it has them).
std::vector<TableRow> seal_status_rows(const Value& status);

}  // namespace bulla::cli
