#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "storage/storage.h"

namespace bulla::snapshot {

struct MigrationOptions {
  /// Copying begins with the first path not before it, whatever an earlier run
  /// had copied. Everything is compared at the end all the same.
  std::optional<std::string> start;
  /// Told now and then how many entries have been looked at.
  std::function<void(std::uint64_t)> progress;
};

struct Migrated {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< Of paths and values.
  /// Over each entry in path order: be32(size) ‖ path ‖ be32(size) ‖ value.
  std::array<std::uint8_t, crypto::kSha256Bytes> sha256{};
  std::uint64_t written = 0;  ///< Entries put or removed by this run.
  bool resumed = false;
};

/// While a migration into a storage is under way this entry is in it: how far
/// it has come. No server initialises or opens such a storage, which has no
/// seal configuration before the last commit either.
inline constexpr std::string_view kMigrationPath = "core/migration";

///   kConflict  a migration into `storage` was begun and is not finished.
Result<void> check_not_migrating(storage::Storage& storage);

/// Copies all that `source` holds to `destination`, and compares the two entry
/// by entry. Nobody else may write to either meanwhile. It may be ended at any
/// point: the next run goes on.
///   kNotFound  the source is empty.
///   kConflict  the destination holds something, and no migration of before; or
///              the source is the destination of a migration, or of a restore,
///              that is not finished.
///   kCorrupt   the two differ after all was copied twice.
///   and what the storages say.
Result<Migrated> migrate(storage::Storage& source,
                         storage::Storage& destination,
                         const MigrationOptions& options);

}  // namespace bulla::snapshot
