#include "server/dev_mode.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/encoding.h"
#include "server/process.h"

namespace bulla::server {
namespace {

constexpr std::string_view kTokenFile = "/dev-root-token";

std::string home_token_file() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.vault-token";
}

// As Vault's development server has it from the start; who unmounts it has it
// no more.
Result<void> mount_secret(Core& core) {
  api::MountConfig config;
  config.path = "secret/";
  config.type = "kv";
  config.description = "key/value secret storage";
  config.options["version"] = "2";
  return core.mounts().mount(std::move(config));
}

Result<DevKeys> initialise_in_memory(Core& core, const DevOptions& options) {
  seal::InitParams params;
  params.secret_shares = 1;
  params.secret_threshold = 1;
  TRY_ASSIGN(auto made, core.initialize(params, options.root_token_id));
  SecretBytes& share = made.keys.shares.front();
  DevKeys keys{base64_encode(share.expose()), made.root_token};
  TRY(core.unseal(std::move(share)));
  TRY(mount_secret(core));
  return keys;
}

// The token is on disk before the store is: whatever step this dies at, the
// next start has it.
Result<DevKeys> initialise_in(Core& core, const DevOptions& options,
                              const std::string& token_file) {
  const std::string token = options.root_token_id.empty()
                                ? "s." + core.rng().base62(24)
                                : options.root_token_id;
  TRY(write_private_file(token_file, token + "\n"));
  seal::InitParams params;
  params.recovery_shares = 0;
  params.recovery_threshold = 0;
  TRY(core.initialize(params, token));
  TRY(mount_secret(core));
  return DevKeys{{}, token};
}

Result<DevKeys> open_again(Core& core, const DevOptions& options,
                           const std::string& token_file) {
  TRY_ASSIGN(const bool open, core.auto_unseal());
  if (!open) return fail(internal_error("the development KEK opened nothing"));
  auto token = read_private_file(token_file);
  if (!token) {
    return fail(std::move(token).error().with_context(fmt::format(
        "the store in {} has lost its root token; remove the directory to "
        "start anew",
        options.data_directory)));
  }
  if (!options.root_token_id.empty() && options.root_token_id != *token) {
    return fail(invalid_argument(fmt::format(
        "the store in {0} was made with another root token: leave "
        "-dev-root-token-id out (the token is in {1}), or remove the directory "
        "to start anew",
        options.data_directory, token_file)));
  }
  return DevKeys{{}, *std::move(token)};
}

Result<DevKeys> open_dev(Core& core, const DevOptions& options) {
  if (options.data_directory.empty()) {
    return initialise_in_memory(core, options);
  }
  const std::string token_file =
      options.data_directory + std::string(kTokenFile);
  TRY_ASSIGN(const bool initialised, core.custody().initialized());
  return initialised ? open_again(core, options, token_file)
                     : initialise_in(core, options, token_file);
}

}  // namespace

Result<std::string> dev_kek_file(const std::string& directory,
                                 crypto::Rng& rng) {
  ::mkdir(directory.c_str(), 0700);
  const std::string path = directory + "/dev-kek";
  if (read_private_file(path)) return path;
  const SecretBytes kek = rng.secret(32);
  std::string text = base64_encode(kek.expose());
  const auto written = write_private_file(path, text + "\n");
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  TRY(written);
  return path;
}

Result<DevKeys> start_dev(Core& core, const DevOptions& options) {
  TRY_ASSIGN(auto keys, open_dev(core, options));
  const std::string token_file = home_token_file();
  if (options.store_token && !token_file.empty()) {
    TRY(write_private_file(token_file, keys.root_token));
  }
  return keys;
}

std::string dev_banner(const DevKeys& keys, const DevOptions& options,
                       const std::string& address) {
  std::string text = fmt::format(
      "\nWARNING! dev mode is enabled! The server opens by itself and its root "
      "token\nis printed below. Never use it for real secrets.\n\n"
      "Data is kept in: {}\n\nYou may want to set:\n\n"
      "    export BULLA_ADDR='http://{}'\n\n",
      options.data_directory.empty() ? "memory only" : options.data_directory,
      address);
  if (!keys.unseal_key.empty()) {
    text += fmt::format("Unseal Key: {}\n", keys.unseal_key);
  }
  text += fmt::format("Root Token: {}\n\n", keys.root_token);
  return text;
}

}  // namespace bulla::server
