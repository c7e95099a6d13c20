#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/hcl.h"
#include "base/result.h"
#include "server/config_reader.h"

namespace bulla::server {

/// `storage "TYPE" { … }`: its type and what storage::open_storage() takes.
struct StorageStanza {
  std::string type;
  std::map<std::string, std::string> options;
};

/// One block of a known type, with known keys only.
///   kInvalidArgument  "FILE:LINE: KEY: …".
Result<StorageStanza> read_storage_stanza(const ConfigSource& source,
                                          const HclItem& item);

/// What `bulla operator migrate` is given: `storage_source "TYPE" { … }` and
/// `storage_destination "TYPE" { … }`, as Vault names them.
struct MigrationConfig {
  StorageStanza source;
  StorageStanza destination;
};

///   kNotFound         no such file.
///   kInvalidArgument  one of the two is missing, or as above.
Result<MigrationConfig> load_migration_config(const std::string& path);

}  // namespace bulla::server
