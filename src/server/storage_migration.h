#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace bulla::server {

/// Copies one storage to another as the file `config` says
/// (server/config_storage.h), both held against other processes: JSON of what
/// was copied. See snapshot::migrate().
///   kInvalidArgument  a configuration that cannot be.
///   kUnavailable      a storage cannot be reached, or a server has it.
///   and what snapshot::migrate() says.
Result<std::string> migrate_storage(
    const std::string& config, const std::optional<std::string>& start,
    const std::function<void(std::uint64_t)>& progress);

}  // namespace bulla::server
