#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kek/kek_provider.h"
#include "kek/pkcs11_reserved.h"
#include "server/config.h"
#include "server/core.h"
#include "storage/storage.h"

namespace bulla::server {

/// `-dev`: a server that initialises and opens itself.
struct DevOptions {
  std::string root_token_id;   ///< "": a random one.
  bool store_token = true;     ///< In ~/.vault-token.
  std::string data_directory;  ///< "": all in memory.
};

/// What main.cc chose.
struct DaemonParts {
  ServerConfig config;
  std::unique_ptr<storage::Storage> storage;
  std::vector<std::unique_ptr<kek::KekProvider>> providers;
  seal::CustodyOptions custody_options;
  std::vector<BackendFactory> engines;
  /// Adds the mounts that are always there.
  std::function<void(Core&)> add_fixed_mounts;
  std::optional<DevOptions> dev;
  /// The tokens of seals of the kind pkcs11.
  std::shared_ptr<const kek::Pkcs11Reserved> seal_tokens;
};

/// Binds, serves until SIGTERM or SIGINT, stops gracefully. SIGHUP rereads
/// certificates and reopens logs. The process's exit code: 0, or 1 after an
/// error that was printed with what to do about it.
int run_daemon(DaemonParts parts);

}  // namespace bulla::server
