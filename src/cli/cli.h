#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/client.h"

namespace bulla::cli {

/// What was given to `bulla server`; "" and empty where nothing was.
struct ServerFlags {
  std::vector<std::string> config;  ///< Files or directories, in their order.
  bool dev = false;
  std::string dev_root_token_id;
  std::string dev_listen_address = "127.0.0.1:8200";
  std::string dev_data;    ///< A directory; "" keeps everything in memory.
  std::string log_level;   ///< As written; the server checks it.
  std::string log_format;  ///< As written; the server checks it.
  std::string log_file;    ///< "" is what the configuration says.
  bool dev_no_store_token = false;
};

/// Runs the server until it ends; returns the exit code.
using ServerCommand = std::function<int(const ServerFlags& flags)>;

/// Answers API requests about KEKs from the store of a stopped server, until it
/// is dropped. `config`: what `bulla server` is given.
///   kInvalidArgument  a configuration that cannot be, or disagrees with what
///                     is stored.
///   kUnavailable      the store cannot be opened: a server may have it open.
using StoreApi = std::function<Result<std::function<Result<net::ClientResponse>(
    const net::ClientRequest&)>>(const std::vector<std::string>& config)>;

/// What opens a snapshot.
struct SnapshotKey {
  std::string passkey;
  std::vector<SecretBytes> shares;  ///< As text.
  SecretBytes passphrase;
  std::vector<std::string> config;  ///< Of seals that open by themselves.
};

/// What can be done with the file of a snapshot, without a server. Both give
/// JSON.
struct SnapshotTools {
  ///   kNotFound, kUnavailable  the file cannot be read.
  ///   kCorrupt                 it is damaged, or no snapshot.
  std::function<Result<std::string>(const std::string& file)> inspect;
  /// The same, and
  ///   kInvalidArgument  what was given does not open it.
  std::function<Result<std::string>(const std::string& file, SnapshotKey key)>
      verify;
};

/// Copies the storage that the file `config` names to the other one in it;
/// JSON. `start`: the path to begin with. `progress` is told how many entries
/// have been looked at.
///   kInvalidArgument, kNotFound  a configuration that cannot be; no source.
///   kConflict                    the destination is in use.
///   kUnavailable                 a storage does not answer, or a server has
///                                it.
using StorageMigration = std::function<Result<std::string>(
    const std::string& config, const std::optional<std::string>& start,
    const std::function<void(std::uint64_t)>& progress)>;

/// What of a server the command line can run in its own process.
struct Local {
  ServerCommand server;
  StoreApi store;
  SnapshotTools snapshots;
  StorageMigration migrate;
};

/// The `bulla` command: finds the sub-command in `argv`, runs it against the
/// terminal, the environment and the network of this process, and returns the
/// exit code: 0 done, 1 a mistake on this side (usage, files, no value), 2 an
/// answer with an error, or a sealed server from `status`.
int run_cli(int argc, char** argv, const Local& local);

}  // namespace bulla::cli
