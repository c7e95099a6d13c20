#pragma once

#include "base/hcl.h"
#include "base/result.h"
#include "server/config.h"
#include "server/config_reader.h"

namespace bulla::server {

// The blocks of a configuration file; each adds to `config`.
Result<void> read_storage(const ConfigSource& source, const HclItem& item,
                          ServerConfig& config);
Result<void> read_listener(const ConfigSource& source, const HclItem& item,
                           ServerConfig& config);
Result<void> read_seal(const ConfigSource& source, const HclItem& item,
                       ServerConfig& config);
Result<void> read_kms_library(const ConfigSource& source, const HclItem& item,
                              ServerConfig& config);
// Becomes the seal stanza of kind "config".
Result<void> read_encryption(const ConfigSource& source, const HclItem& item,
                             ServerConfig& config);
Result<void> read_janitor(const ConfigSource& source, const HclItem& item,
                          ServerConfig& config);
Result<void> read_telemetry(const ConfigSource& source, const HclItem& item,
                            ServerConfig& config);

}  // namespace bulla::server
