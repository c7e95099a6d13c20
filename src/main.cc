// The composition root: the only place that picks implementations.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "auth/approle/approle.h"
#include "auth/identity/identity_backend.h"
#include "auth/token_backend.h"
#include "auth/userpass/userpass.h"
#include "cli/cli.h"
#include "crypto/asymmetric.h"
#include "crypto/rng.h"
#include "engine/cubbyhole/cubbyhole.h"
#include "engine/derive/derive.h"
#include "engine/kv/kv.h"
#include "engine/transit/transit.h"
#include "kek/pkcs11_options.h"
#include "kek/provider_factory.h"
#include "server/config.h"
#include "server/daemon.h"
#include "server/dev_mode.h"
#include "server/login.h"
#include "server/process.h"
#include "server/snapshot_tool.h"
#include "server/storage_migration.h"
#include "server/store_api.h"
#include "server/sys/sys_backend.h"
#include "snapshot/migrate.h"
#include "storage/factory.h"
#include "storage/metered.h"

namespace bulla {
namespace {

Result<std::unique_ptr<storage::Storage>> open_storage(
    const server::ServerConfig& config) {
  TRY_ASSIGN(auto opened, storage::open_sole_storage(config.storage_type,
                                                     config.storage_options));
  auto metered = std::make_unique<storage::MeteredStorage>(std::move(opened));
  TRY(snapshot::check_not_migrating(*metered));
  return metered;
}

Result<std::vector<std::unique_ptr<kek::KekProvider>>> make_providers(
    const server::ServerConfig& config, crypto::Rng& rng) {
  std::vector<const server::SealStanza*> seals;
  for (const server::SealStanza& seal : config.seals) {
    if (!seal.disabled && seal.kind != "shamir") seals.push_back(&seal);
  }
  std::ranges::stable_sort(seals, {}, &server::SealStanza::priority);
  std::vector<std::unique_ptr<kek::KekProvider>> providers;
  for (const server::SealStanza* const seal : seals) {
    auto made = kek::make_provider(seal->kind, seal->name, seal->options, rng);
    if (!made) {
      return fail(std::move(made).error().with_context(
          fmt::format("{}:{}", seal->file, seal->line)));
    }
    providers.push_back(*std::move(made));
  }
  return providers;
}

// Every storage keeps other processes out.
seal::CustodyOptions custody_options(const server::ServerConfig& config) {
  seal::CustodyOptions options;
  options.sole_node = true;
  for (const server::SealStanza& seal : config.seals) {
    if (!seal.disabled) continue;
    options.disabled.push_back(
        {seal.kind, seal.name.empty() ? seal.kind : seal.name});
  }
  return options;
}

std::vector<server::BackendFactory> engines() {
  std::vector<server::BackendFactory> list;
  list.push_back({"transit", false, [](const api::BackendContext& context) {
                    return std::make_shared<engine::transit::TransitBackend>(
                        context);
                  }});
  list.push_back({"derive", false, [](const api::BackendContext& context) {
                    return std::make_shared<engine::derive::DeriveBackend>(
                        context);
                  }});
  list.push_back({"kv", false, [](const api::BackendContext& context) {
                    return engine::kv::KvBackend::create(context);
                  }});
  list.push_back({"userpass", true, [](const api::BackendContext& context) {
                    return std::make_shared<auth::UserpassBackend>(context);
                  }});
  list.push_back({"approle", true, [](const api::BackendContext& context) {
                    return std::make_shared<auth::ApproleBackend>(context);
                  }});
  return list;
}

// Always there, so its uuid is always the same, and its accessor of that.
api::MountConfig fixed_mount(std::string path, std::string type,
                             std::string uuid, std::string description) {
  api::MountConfig config;
  config.is_auth = path.starts_with("auth/");
  config.accessor =
      (config.is_auth ? "auth_" : "") + type + "_" + uuid.substr(0, 8);
  config.uuid = std::move(uuid);
  config.local = type == "cubbyhole";
  config.path = std::move(path);
  config.type = std::move(type);
  config.description = std::move(description);
  return config;
}

std::optional<auth::IdentityBackend::MountOf> auth_mount_of(
    server::Core& core, std::string_view accessor) {
  const auto table = core.mounts().table().load();
  for (const auto& mount : table->all()) {
    if (!mount->config.is_auth || mount->config.accessor != accessor) continue;
    return auth::IdentityBackend::MountOf{mount->config.path,
                                          mount->config.type};
  }
  return std::nullopt;
}

void add_fixed_mounts(server::Core& core) {
  core.mounts().add_fixed(
      fixed_mount("sys/", "system", "7b1e40c2-93d5-5f0a-8c64-1f2ad09e7b35",
                  "system endpoints used for control, policy and debugging"),
      {"system", false, [&core](const api::BackendContext&) {
         return std::make_shared<server::SysBackend>(core);
       }});
  core.mounts().add_fixed(
      fixed_mount("auth/token/", "token",
                  "d05c8f6a-2e17-5b94-a3f8-64c90b7de112",
                  "token based credentials"),
      {"token", true, [&core](const api::BackendContext& context) {
         const auth::TokenTtls ttls{core.config().default_lease_ttl,
                                    core.config().max_lease_ttl};
         return std::make_shared<auth::TokenBackend>(
             context, core.tokens(), core.policies(), ttls,
             [&core](const api::Token& token) {
               return server::login_bounds(core, token);
             });
       }});
  core.mounts().add_fixed(
      fixed_mount("identity/", "identity",
                  "5e82b1c4-0d39-5a67-b1f2-c98d3e40a716", "identity store"),
      {"identity", false, [&core](const api::BackendContext&) {
         return std::make_shared<auth::IdentityBackend>(
             core.identity(), [&core](std::string_view accessor) {
               return auth_mount_of(core, accessor);
             });
       }});
  core.mounts().add_fixed(
      fixed_mount("cubbyhole/", "cubbyhole",
                  "3fa9d2e7-68b4-5c21-9d0e-a85713c4f6b9",
                  "per-token private secret storage"),
      {"cubbyhole", false, [&core](const api::BackendContext& context) {
         auto cubbyhole =
             std::make_shared<engine::cubbyhole::CubbyholeBackend>(context);
         const std::weak_ptr<engine::cubbyhole::CubbyholeBackend> weak =
             cubbyhole;
         core.tokens().on_revoke([weak](const api::Token& token) {
           const auto live = weak.lock();
           return live ? live->drop(token.hash) : Result<void>{};
         });
         return cubbyhole;
       }});
}

// What a configuration beside -dev says holds, but for where data is kept and
// what opens it: those are -dev's.
Result<server::ServerConfig> beside_dev(const cli::ServerFlags& flags) {
  if (flags.config.empty()) return server::ServerConfig();
  TRY_ASSIGN(auto config, server::load_config(flags.config));
  if (!config.storage_type.empty() || !config.seals.empty()) {
    return fail(invalid_argument(fmt::format(
        "{}: -dev keeps its data in memory (in a directory with "
        "-dev-data=DIR) and opens by itself: take storage and seal out, or "
        "start without -dev",
        fmt::join(config.sources, ", "))));
  }
  config.storage_type = server::ServerConfig().storage_type;
  return config;
}

Result<server::ServerConfig> dev_config(const cli::ServerFlags& flags,
                                        crypto::Rng& rng) {
  TRY_ASSIGN(auto config, beside_dev(flags));
  server::ListenerConfig listener;
  listener.address = flags.dev_listen_address;
  listener.tls_disable = true;
  config.listeners.insert(config.listeners.begin(), std::move(listener));
  config.disable_mlock = true;
  TRY(server::check_config(config));
  if (flags.dev_data.empty()) return config;
  TRY_ASSIGN(const std::string kek, server::dev_kek_file(flags.dev_data, rng));
  config.storage_type = "lmdb";
  config.storage_options["path"] = flags.dev_data + "/store";
  server::SealStanza seal;
  seal.kind = "static";
  seal.name = "dev";
  seal.options = {{"current_key_id", "dev"}, {"current_key", "file://" + kek}};
  config.seals.push_back(std::move(seal));
  return config;
}

// Those of disabled seals, too: what was sealed with them may still be there.
Result<std::shared_ptr<const kek::Pkcs11Reserved>> seal_tokens(
    const server::ServerConfig& config) {
  auto tokens = std::make_shared<kek::Pkcs11Reserved>();
  if (config.kms_libraries.empty()) return tokens;
  for (const server::SealStanza& seal : config.seals) {
    if (seal.kind != "pkcs11") continue;
    auto place = kek::Pkcs11KekOptions::read_place(seal.options);
    if (!place) {
      return fail(std::move(place).error().with_context(
          fmt::format("{}:{}", seal.file, seal.line)));
    }
    tokens->add(seal.name.empty() ? seal.kind : seal.name, *std::move(place));
  }
  return tokens;
}

// Vendors' modules run in this process and do what they will.
bool has_foreign_code(const server::ServerConfig& config) {
  if (!config.kms_libraries.empty()) return true;
  return std::ranges::any_of(config.seals, [](const auto& seal) {
    return seal.kind == "pkcs11" && !seal.disabled;
  });
}

// `serving`: as `bulla server`, which gives up all that it does not need.
Result<server::DaemonParts> daemon_parts(const cli::ServerFlags& flags,
                                         crypto::Rng& rng, bool serving) {
  server::DaemonParts parts;
  if (flags.dev) {
    TRY_ASSIGN(parts.config, dev_config(flags, rng));
    parts.dev = server::DevOptions{flags.dev_root_token_id,
                                   !flags.dev_no_store_token, flags.dev_data};
  } else {
    TRY_ASSIGN(parts.config, server::load_config(flags.config));
    TRY(server::add_seal_of_environment(parts.config));
    TRY(server::check_config(parts.config));
  }
  if (!flags.log_level.empty()) parts.config.log_level = flags.log_level;
  if (!flags.log_format.empty()) parts.config.log_format = flags.log_format;
  if (!flags.log_file.empty()) parts.config.log_file = flags.log_file;
  TRY(server::check_logging(parts.config));
  if (serving) server::forbid_new_privileges();
  if (serving && !parts.config.disable_seccomp) {
    TRY(server::restrict_system_calls(has_foreign_code(parts.config)));
  }
  TRY_ASSIGN(parts.storage, open_storage(parts.config));
  TRY_ASSIGN(parts.providers, make_providers(parts.config, rng));
  parts.custody_options = custody_options(parts.config);
  TRY_ASSIGN(parts.seal_tokens, seal_tokens(parts.config));
  server::wipe_seal_options(parts.config);
  parts.engines = engines();
  parts.add_fixed_mounts = add_fixed_mounts;
  return parts;
}

// Answers of the store last as long as what is returned.
Result<std::function<Result<net::ClientResponse>(const net::ClientRequest&)>>
open_store(const std::vector<std::string>& config) {
  server::start_key_heap();
  cli::ServerFlags flags;
  flags.config = config;
  // Providers keep it.
  const auto rng = std::make_shared<crypto::SystemRng>();
  TRY_ASSIGN(auto parts, daemon_parts(flags, *rng, /*serving=*/false));
  TRY_ASSIGN(auto opened, server::StoreApi::open(std::move(parts)));
  const std::shared_ptr<server::StoreApi> store = std::move(opened);
  return [rng, store](
             const net::ClientRequest& request) -> Result<net::ClientResponse> {
    return store->answer(request);
  };
}

Result<std::string> verify_snapshot(const std::string& file,
                                    cli::SnapshotKey key) {
  crypto::SystemRng rng;
  std::vector<std::unique_ptr<kek::KekProvider>> providers;
  if (!key.config.empty()) {
    TRY_ASSIGN(auto config, server::load_config(key.config));
    TRY(server::add_seal_of_environment(config));
    TRY_ASSIGN(providers, make_providers(config, rng));
    server::wipe_seal_options(config);
  }
  return server::verify_snapshot(file,
                                 {std::move(key.passkey), std::move(key.shares),
                                  std::move(key.passphrase)},
                                 std::move(providers));
}

int run_server(const cli::ServerFlags& flags) {
  server::start_key_heap();
  if (!flags.dev && flags.config.empty()) {
    fmt::print(stderr,
               "Error: no configuration. Give one with -config=FILE, or start "
               "a development server with -dev.\n");
    return 1;
  }
  crypto::SystemRng rng;
  auto parts = daemon_parts(flags, rng, /*serving=*/true);
  if (!parts) {
    fmt::print(stderr, "Error: {}\n", parts.error().message());
    return 1;
  }
  return server::run_daemon(std::move(*parts));
}

}  // namespace
}  // namespace bulla

int main(int argc, char** argv) {
  bulla::crypto::wipe_decoder_memory();
  // Every command may hold a token, a share or a key.
  bulla::server::forbid_core_dumps();
  return bulla::cli::run_cli(
      argc, argv,
      {.server = bulla::run_server,
       .store = bulla::open_store,
       .snapshots = {.inspect = bulla::server::inspect_snapshot,
                     .verify = bulla::verify_snapshot},
       .migrate = bulla::server::migrate_storage});
}
