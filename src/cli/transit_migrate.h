#pragma once

#include "cli/invocation.h"

namespace bulla::cli {

/// `bulla transit migrate`: copies keys from another server. Its exit code: 0,
/// 1 for a mistake on this side, 2 when something could not be copied.
int migrate_keys(Invocation& call);

}  // namespace bulla::cli
