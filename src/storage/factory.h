#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/coordination.h"
#include "storage/storage.h"

namespace bulla::storage {

/// The options of a storage stanza, numbers as digits, truths as "true" and
/// "false" (docs/configuration.md).
using StorageOptions = std::map<std::string, std::string>;

struct OpenedStorage {
  std::unique_ptr<Storage> storage;
  /// The same object; null for engines that keep other processes out.
  Coordination* coordination = nullptr;
};

/// Opens "inmem", "lmdb", "postgresql" or "etcd". Environment variables stand
/// above the options, as Vault has it: BULLA_PG_CONNECTION_URL (BAO_, VAULT_),
/// ETCD_ADDR, ETCD_USERNAME, ETCD_PASSWORD.
///   kInvalidArgument  no such type, or options that cannot be.
///   and what the engine says.
Result<OpenedStorage> open_storage(std::string_view type,
                                   const StorageOptions& options);

/// The same for one process alone: where the engine lets others in, it is held
/// (storage/sole_storage.h).
Result<std::unique_ptr<Storage>> open_sole_storage(
    std::string_view type, const StorageOptions& options);

}  // namespace bulla::storage
