#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "dek/reencryptor.h"
#include "seal/provider_health.h"

namespace bulla::server {

/// `listener "tcp" { … }`, Vault's names in comments where ours differ.
struct ListenerConfig {
  std::string address = "127.0.0.1:8200";
  bool tls_disable = false;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_client_ca_file;
  bool tls_require_and_verify_client_cert = false;
  bool tls_disable_client_certs = false;
  std::string tls_min_version = "tls12";
  std::string tls_max_version = "tls13";
  std::string tls_cipher_suites;
  std::int64_t max_request_size = 32 << 20;  ///< Bytes; negative: unlimited.
  Seconds max_request_duration{90};
  std::size_t max_header_bytes = 64 << 10;
  std::size_t max_connections = 4096;
  Seconds http_read_header_timeout{10};
  Seconds http_read_timeout{30};
  Seconds http_idle_timeout{300};
  std::size_t max_json_depth = 300;
  std::size_t max_json_string_value_length = 32 << 20;
  std::size_t max_json_object_entry_count = 10'000;
  std::size_t max_json_array_element_count = 100'000;
  // OpenBao's, and its cost model; negative: unlimited.
  std::int64_t max_request_json_memory = 64 << 20;
  std::int64_t max_request_json_strings = 1'000'000;
  bool unauthenticated_metrics_access = false;  ///< telemetry { … } inside.
  std::string file;  ///< Where it stands; "" for one that no file holds.
  int line = 0;
  /// Whether sys/rekey/* and sys/generate-root/* ask for a token besides the
  /// shares. Only what every listener opens is open.
  bool disable_unauthed_rekey_endpoints = true;
  bool disable_unauthed_generate_root_endpoints = true;
};

/// `seal "KIND" { … }`.
struct SealStanza {
  std::string kind;
  std::string name;
  bool disabled = false;
  int priority = 0;  ///< Lower ones are tried first.
  seal::HealthOptions health;
  std::map<std::string, std::string> options;
  std::string file;
  int line = 0;
};

/// `kms_library "pkcs11" { name, library }`: a module that managed keys may
/// name. Who writes managed keys cannot name a file.
struct KmsLibrary {
  std::string name;
  std::string path;  ///< The stanza's `library`.
};

/// A server's configuration, from HCL or JSON as Vault writes it.
struct ServerConfig {
  /// "inmem", "lmdb"; "" when the files name none.
  std::string storage_type = "inmem";
  std::map<std::string, std::string> storage_options;
  std::vector<ListenerConfig> listeners;
  std::vector<SealStanza> seals;
  std::vector<KmsLibrary> kms_libraries;
  std::string api_addr;
  std::string cluster_addr;
  std::string cluster_name;
  std::string log_level = "info";
  std::string log_format = "standard";
  std::string log_file;
  std::string pid_file;
  bool disable_mlock = false;
  bool fips_mode = false;  ///< Transit makes and uses approved keys only.
  bool disable_seccomp = false;
  /// Bytes of a snapshot that is restored.
  std::size_t max_snapshot_size = std::size_t{64} << 30;
  dek::JanitorOptions janitor;  ///< deprecated_key_janitor { … }.
  bool ui = false;
  bool raw_storage_endpoint = false;
  bool unsafe_allow_api_audit_creation = true;
  Seconds default_lease_ttl{2764800};
  Seconds max_lease_ttl{2764800};
  std::string lease_ttl_place;  ///< "FILE:LINE" of the last of these two.
  bool telemetry_disable_hostname = false;
  std::optional<Seconds> prometheus_retention_time;
  unsigned event_loops = 0;          ///< 0: one a core.
  unsigned worker_threads = 0;       ///< 0: from the cores.
  std::vector<std::string> sources;  ///< Files it came from.
};

/// Reads files and directories (their *.hcl and *.json, sorted), later ones
/// over earlier ones. Unknown keys, wrong types and duplicates are errors.
///   kInvalidArgument  "FILE:LINE: KEY: what is wrong and what would be right".
///   kNotFound         a path does not exist.
Result<ServerConfig> load_config(const std::vector<std::string>& paths);
Result<ServerConfig> parse_config(std::string_view text, std::string_view file);
/// Faults that only the whole shows: no storage, no listener, ….
Result<void> check_config(const ServerConfig& config);
/// Whether the words for level and format are known, wherever they came from.
Result<void> check_logging(const ServerConfig& config);
/// The configuration as sys/config/state/sanitized shows it: an allow-list of
/// keys, never a secret. JSON text.
std::string sanitized_json(const ServerConfig& config);
/// BULLA_SEAL_TYPE, BAO_SEAL_TYPE or VAULT_SEAL_TYPE, the first that is set, is
/// the kind of the seal where none is configured; its options are variables.
///   kInvalidArgument  other seals are configured; names the variable.
Result<void> add_seal_of_environment(ServerConfig& config);
/// Overwrites the options of every seal: for when the providers are built.
void wipe_seal_options(ServerConfig& config);

}  // namespace bulla::server
