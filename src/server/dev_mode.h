#pragma once

#include <string>

#include "base/result.h"
#include "server/core.h"
#include "server/daemon.h"

namespace bulla::server {

/// The file beside the data that holds the development KEK, made on first use.
/// Whoever can read it can read everything: for development only.
Result<std::string> dev_kek_file(const std::string& directory,
                                 crypto::Rng& rng);

/// What the banner tells.
struct DevKeys {
  std::string unseal_key;  ///< "" where the server opens by itself.
  std::string root_token;
};

/// Initialises the store the first time and opens it.
Result<DevKeys> start_dev(Core& core, const DevOptions& options);

/// The text that `bulla server -dev` prints.
std::string dev_banner(const DevKeys& keys, const DevOptions& options,
                       const std::string& address);

}  // namespace bulla::server
