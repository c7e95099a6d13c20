#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "engine/transit/key_store.h"

namespace bulla::engine::transit {

/// A whole key as Vault and OpenBao write it in backups (reference/transit.md
/// §10): JSON, a newline at its end. Any thread.

/// Which server's numbers a backup's `type` is read by: 10 and 11 mean other
/// types in each.
enum class BackupSource : std::uint8_t {
  kGuess,  ///< By what else the backup says; OpenBao where nothing does.
  kVault,
  kOpenBao,
};

struct BackedUpKey {
  KeyRecord record;
  /// From max(1, min_available_version) to latest_version.
  std::vector<VersionRecord> versions;
};

/// Errors of `store` as they come.
Result<SecretBytes> write_backup(const KeyStore& store, const Key& key);

/// Input is hostile.
///   kInternal  not such a JSON, of a type that Bulla has not, or with versions
///              that are missing or do not parse; says which.
Result<BackedUpKey> read_backup(std::string_view json, BackupSource source);

}  // namespace bulla::engine::transit
