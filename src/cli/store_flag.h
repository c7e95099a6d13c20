#pragma once

#include "cli/flags.h"
#include "cli/invocation.h"

namespace bulla::cli {

/// Of commands that can do without a server.
inline constexpr FlagRow kStoreFlag = {
    "config", "c", FlagKind::kList, "PATH",
    "Work on the store of a stopped server with this configuration, in place "
    "of asking the one that runs. May be given several times."};

/// With -config the store of a stopped server answers, without it the server.
Result<void> choose_api(Invocation& call);
/// That it cannot: what to say, and the exit code.
int refuse_store(Invocation& call, const Error& error);

}  // namespace bulla::cli
