#pragma once

#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "base/result.h"
#include "server/core.h"

namespace bulla::server {

/// When this binary was built, RFC 3339: BULLA_BUILD_DATE where the build sets
/// it, the epoch otherwise, so that builds are reproducible.
std::string_view build_date();

/// Appends "cluster_name" and "cluster_id"; nothing while sealed.
void write_cluster(JsonWriter& out, Core& core);

/// The body of sys/seal-status and sys/unseal: both OpenBao's and Vault's
/// keys (reference/sys.md §1).
Result<std::string> seal_status_json(Core& core);

}  // namespace bulla::server
