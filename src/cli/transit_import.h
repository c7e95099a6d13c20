#pragma once

#include "cli/invocation.h"

namespace bulla::cli {

/// `bulla transit import` and `bulla transit import-version`: PATH KEY
/// [KEY=VALUE…]. Their exit codes.
int import_key(Invocation& call);
int import_key_version(Invocation& call);

}  // namespace bulla::cli
