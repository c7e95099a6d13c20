#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "cli/flags.h"

namespace bulla::cli {

/// What the global flags and the environment say, a flag before BULLA_*, that
/// before VAULT_*, that before the default.
struct Settings {
  std::string address = "https://127.0.0.1:8200";
  SecretBytes token;  ///< Empty without one.
  /// Where `token` comes from: "BULLA_TOKEN", a file's name; "" without one.
  std::string token_source;
  std::string ca_cert, ca_path, client_cert, client_key, tls_server_name;
  bool tls_skip_verify = false;
  std::string namespace_name, wrap_ttl;
  std::string format = "table";  ///< "table", "json" or "yaml".
  std::string field;             ///< "" for all.
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> mfa;  ///< METHOD[:PASSCODE], each
  bool output_curl_string = false;
  bool output_policy = false;
  bool policy_override = false;
  bool disable_redirects = false;
  bool non_interactive = false;
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
  int retries_max = 2;
};

/// Reads `flags` (which have their values from the environment already) and the
/// variables without a flag, and the token helper file.
///   kInvalidArgument  a value that cannot be used, by the flag's name.
///   kUnavailable      the token helper file cannot be read.
Result<Settings> load_settings(const Flags& flags,
                               const Environment& environment);

/// The part of them that commands without a server heed: how to print, and
/// whether to ask.
///   kInvalidArgument  a value that cannot be used, by the flag's name.
Result<Settings> load_local_settings(const Flags& flags);

/// The token in `text`, without white space around it.
///   kInvalidArgument  empty, longer than 8192 bytes, or with characters that
///   no
///                     header may hold.
Result<SecretBytes> parse_token(std::string_view text);

}  // namespace bulla::cli
