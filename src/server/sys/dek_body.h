#pragma once

#include "api/response.h"
#include "base/json_writer.h"
#include "server/core.h"

namespace bulla::server {

/// Writes a DEK as its endpoints show it.
Result<void> write_dek(Core& core, const dek::DekInfo& info, JsonWriter& out);
/// The answer that shows it.
Result<api::Response> shown_dek(Core& core, const dek::DekInfo& info);

}  // namespace bulla::server
