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

Result<DevKeys> initialise(Core& core, const DevOptions& options) {
  seal::InitParams params;
  const bool persistent = !options.data_directory.empty();
  if (persistent) {
    params.recovery_shares = 0;
    params.recovery_threshold = 0;
  } else {
    params.secret_shares = 1;
    params.secret_threshold = 1;
  }
  TRY_ASSIGN(auto made, core.initialize(params, options.root_token_id));
  DevKeys keys;
  keys.root_token = made.root_token;
  if (persistent) {
    TRY(write_private_file(options.data_directory + std::string(kTokenFile),
                           keys.root_token + "\n"));
    return keys;
  }
  SecretBytes& share = made.keys.shares.front();
  keys.unseal_key = base64_encode(share.expose());
  TRY(core.unseal(std::move(share)));
  return keys;
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
  TRY_ASSIGN(const bool initialised, core.custody().initialized());
  DevKeys keys;
  if (!initialised) {
    TRY_ASSIGN(keys, initialise(core, options));
  } else {
    TRY_ASSIGN(const bool open, core.auto_unseal());
    if (!open)
      return fail(internal_error("the development KEK opened nothing"));
    TRY_ASSIGN(keys.root_token, read_private_file(options.data_directory +
                                                  std::string(kTokenFile)));
  }
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
