#include "base/json_writer.h"
#include "server/config.h"

namespace bulla::server {
namespace {

// Vault's shape. Only what is named here is shown: no path of a key, no
// option of a storage or a seal, nothing that is merely believed harmless.
void write_listener(JsonWriter& out, const ListenerConfig& listener) {
  out.begin_object().key("config").begin_object();
  out.member("address", listener.address);
  out.member("max_request_duration", listener.max_request_duration.count());
  out.member("max_request_size", listener.max_request_size);
  out.member("tls_disable", listener.tls_disable);
  if (!listener.tls_disable) {
    out.member("tls_max_version", listener.tls_max_version);
    out.member("tls_min_version", listener.tls_min_version);
    out.member("tls_require_and_verify_client_cert",
               listener.tls_require_and_verify_client_cert);
  }
  out.end_object().member("type", "tcp").end_object();
}

void write_seal(JsonWriter& out, const SealStanza& seal) {
  out.begin_object();
  out.member("disabled", seal.disabled);
  if (!seal.name.empty()) out.member("name", seal.name);
  out.member("priority", seal.priority);
  out.member("type", seal.kind).end_object();
}

void write_lists(JsonWriter& out, const ServerConfig& config) {
  out.key("listeners").begin_array();
  for (const auto& listener : config.listeners) write_listener(out, listener);
  out.end_array();
  out.key("seals").begin_array();
  if (config.seals.empty()) {
    out.begin_object().member("disabled", false).member("type", "shamir");
    out.end_object();
  }
  for (const auto& seal : config.seals) write_seal(out, seal);
  out.end_array();
}

void write_storage_and_telemetry(JsonWriter& out, const ServerConfig& config) {
  out.key("storage").begin_object();
  out.member("cluster_addr", config.cluster_addr);
  out.member("disable_clustering", true);
  out.member("redirect_addr", config.api_addr);
  out.member("type", config.storage_type).end_object();
  out.key("telemetry").begin_object();
  out.member("disable_hostname", config.telemetry_disable_hostname);
  out.key("prometheus_retention_time");
  if (config.prometheus_retention_time) {
    out.value(config.prometheus_retention_time->count());
  } else {
    out.null();
  }
  out.end_object();
}

}  // namespace

std::string sanitized_json(const ServerConfig& config) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.member("api_addr", config.api_addr);
  out.member("cluster_addr", config.cluster_addr);
  out.member("cluster_name", config.cluster_name);
  out.member("default_lease_ttl", config.default_lease_ttl.count());
  out.member("disable_mlock", config.disable_mlock);
  out.member("disable_seccomp", config.disable_seccomp);
  out.member("fips_mode", config.fips_mode);
  out.member("enable_ui", config.ui);
  out.member("event_loops", config.event_loops);
  out.member("log_format", config.log_format);
  out.member("log_level", config.log_level);
  out.member("max_lease_ttl", config.max_lease_ttl.count());
  out.member("max_snapshot_size", std::uint64_t{config.max_snapshot_size});
  out.member("pid_file", config.pid_file);
  out.member("raw_storage_endpoint", config.raw_storage_endpoint);
  out.member("unsafe_allow_api_audit_creation",
             config.unsafe_allow_api_audit_creation);
  out.member("worker_threads", config.worker_threads);
  out.key("deprecated_key_janitor").begin_object();
  out.member("interval", config.janitor.interval.count());
  out.member("limit", std::uint64_t{config.janitor.limit}).end_object();
  write_lists(out, config);
  write_storage_and_telemetry(out, config);
  out.end_object();
  return text;
}

}  // namespace bulla::server
