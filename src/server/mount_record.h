#pragma once

#include "api/backend.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::server {

/// A mount's settings as they are stored (docs/formats/mount.md).
SecretBytes write_mount_record(const api::MountConfig& config);
/// kCorrupt when the bytes are not such a record.
Result<api::MountConfig> parse_mount_record(ByteView bytes);

}  // namespace bulla::server
