#include "server/config_sections.h"

#include <fmt/format.h>

#include <algorithm>

#include "kek/config_kek.h"
#include "server/config_storage.h"

namespace bulla::server {
namespace {

Result<void> read_tls_version(const ConfigSource& source, const HclItem& item,
                              std::string& out) {
  TRY(source.read(item, out));
  if (out == "tls12" || out == "tls13") return {};
  return fail(source.error(item, "expected tls12 or tls13"));
}

// Keys whose default is the only value that Bulla can honour: a file that asks
// for the other one must not start a server that silently does less.
template <typename T, bool kOnly>
Result<void> only(const ConfigSource& source, const HclItem& item, T&) {
  bool value = kOnly;
  TRY(source.read(item, value));
  if (value == kOnly) return {};
  return fail(source.error(item, fmt::format("only {} is possible", kOnly)));
}

template <typename T>
Result<void> refuse(const ConfigSource& source, const HclItem& item, T&) {
  return fail(
      source.error(item, "not supported; take it out of the configuration"));
}

Result<void> read_listener_telemetry(const ConfigSource& source,
                                     const HclItem& item,
                                     ListenerConfig& listener) {
  using L = ListenerConfig;
  static constexpr ConfigKey<L> kKeys[] = {
      {"unauthenticated_metrics_access",
       into<&L::unauthenticated_metrics_access>},
      {"disallow_metrics", only<L, false>},
  };
  TRY_ASSIGN(const auto blocks, plain_blocks(source, item));
  for (const HclObject* block : blocks) {
    TRY(read_section<L>(source, kKeys, *block, listener));
  }
  return {};
}

Result<void> read_tls_min(const ConfigSource& source, const HclItem& item,
                          ListenerConfig& listener) {
  return read_tls_version(source, item, listener.tls_min_version);
}
Result<void> read_tls_max(const ConfigSource& source, const HclItem& item,
                          ListenerConfig& listener) {
  return read_tls_version(source, item, listener.tls_max_version);
}

using L = ListenerConfig;
constexpr ConfigKey<L> kListenerKeys[] = {
    {"address", into<&L::address>},
    {"tls_disable", into<&L::tls_disable>},
    {"tls_cert_file", into<&L::tls_cert_file>},
    {"tls_key_file", into<&L::tls_key_file>},
    {"tls_client_ca_file", into<&L::tls_client_ca_file>},
    {"tls_require_and_verify_client_cert",
     into<&L::tls_require_and_verify_client_cert>},
    {"tls_disable_client_certs", into<&L::tls_disable_client_certs>},
    {"tls_min_version", read_tls_min},
    {"tls_max_version", read_tls_max},
    {"tls_cipher_suites", into<&L::tls_cipher_suites>},
    {"max_request_size", into<&L::max_request_size>},
    {"max_request_duration", into<&L::max_request_duration>},
    {"max_header_bytes", into<&L::max_header_bytes>},
    {"max_connections", into<&L::max_connections>},
    {"http_read_header_timeout", into<&L::http_read_header_timeout>},
    {"http_read_timeout", into<&L::http_read_timeout>},
    {"http_idle_timeout", into<&L::http_idle_timeout>},
    {"max_json_depth", into<&L::max_json_depth>},
    {"max_json_string_value_length", into<&L::max_json_string_value_length>},
    {"max_json_object_entry_count", into<&L::max_json_object_entry_count>},
    {"max_json_array_element_count", into<&L::max_json_array_element_count>},
    {"max_request_json_memory", into<&L::max_request_json_memory>},
    {"max_request_json_strings", into<&L::max_request_json_strings>},
    {"telemetry", read_listener_telemetry},
    // A listener of one node: nothing of a cluster listens here.
    {"cluster_address"},
    {"http_write_timeout"},
    {"role"},
    {"tls_prefer_server_cipher_suites"},
    {"disable_replication_status_endpoints"},
    {"disable_request_limiter"},
    {"disable_unauthed_rekey_endpoints",
     into<&L::disable_unauthed_rekey_endpoints>},
    {"disable_unauthed_generate_root_endpoints",
     into<&L::disable_unauthed_generate_root_endpoints>},
    {"proxy_protocol_behavior", refuse<L>},
    {"x_forwarded_for_authorized_addrs", refuse<L>},
    {"require_request_header", only<L, false>},
    {"chroot_namespace", refuse<L>},
};

using C = ServerConfig;
constexpr ConfigKey<C> kTelemetryKeys[] = {
    {"prometheus_retention_time", into<&C::prometheus_retention_time>},
    {"disable_hostname", into<&C::telemetry_disable_hostname>},
    // Figures are pulled from sys/metrics; what shapes or pushes Vault's own
    // series has nothing to steer here.
    {"enable_hostname_label"},
    {"usage_gauge_period"},
    {"maximum_gauge_cardinality"},
    {"metrics_prefix"},
    {"lease_metrics_epsilon"},
    {"num_lease_metrics_buckets"},
    {"add_lease_metrics_namespace_labels"},
    {"add_mount_point_rollback_metrics"},
    {"rollback_metrics_include_mount_point"},
    {"filter_default"},
    {"prefix_filter"},
    {"statsite_address"},
    {"statsd_address"},
    {"dogstatsd_addr"},
    {"dogstatsd_tags"},
    {"circonus_api_token"},
    {"circonus_api_app"},
    {"circonus_api_url"},
    {"circonus_submission_interval"},
    {"circonus_submission_url"},
    {"circonus_check_id"},
    {"circonus_check_force_metric_activation"},
    {"circonus_check_instance_id"},
    {"circonus_check_search_tag"},
    {"circonus_check_display_name"},
    {"circonus_check_tags"},
    {"circonus_broker_id"},
    {"circonus_broker_select_tag"},
    {"stackdriver_project_id"},
    {"stackdriver_location"},
    {"stackdriver_namespace"},
    {"stackdriver_debug_logs"},
};

using Options = std::map<std::string, std::string>;

template <typename Keep>
Result<void> read_options(const ConfigSource& source, const HclObject& body,
                          Keep keep) {
  Options seen;
  for (const HclItem& item : body.items) {
    std::string text;
    TRY(source.read(item, text));
    if (!seen.emplace(item.key, "").second) {
      return fail(source.error(item, "given twice"));
    }
    TRY(keep(item, std::move(text)));
  }
  return {};
}

using H = seal::HealthOptions;
Result<void> read_health_time(const ConfigSource& source, const HclItem& item,
                              Seconds& out) {
  TRY(source.read(item, out));
  if (out >= Seconds{1}) return {};
  return fail(source.error(item, "expected a second or more"));
}

// Vault's names, for every kind alike.
Result<bool> read_health_key(const ConfigSource& source, const HclItem& item,
                             H& health) {
  if (item.key == "health_check_enabled") {
    TRY(source.read(item, health.enabled));
    return true;
  }
  Seconds* const target = item.key == "health_check_timeout" ? &health.timeout
                          : item.key == "health_check_interval"
                              ? &health.interval
                          : item.key == "health_check_interval_unhealthy"
                              ? &health.interval_unhealthy
                              : nullptr;
  if (target == nullptr) return false;
  TRY(read_health_time(source, item, *target));
  return true;
}

Result<void> read_seal_key(const ConfigSource& source, const HclItem& item,
                           std::string text, SealStanza& seal) {
  if (item.key == "disabled") return source.read(item, seal.disabled);
  if (item.key == "name") return source.read(item, seal.name);
  if (item.key == "priority") return source.read(item, seal.priority);
  TRY_ASSIGN(const bool taken, read_health_key(source, item, seal.health));
  if (taken) return {};
  seal.options.insert_or_assign(item.key, std::move(text));
  return {};
}

// `encryption { … }` is this stanza under another name.
struct EncryptionBlock {
  std::string kek;
  std::string rotation_kek;
};

Result<void> read_kek_source(const ConfigSource& source, const HclItem& item,
                             EncryptionBlock&) {
  std::string text;
  TRY(source.read(item, text));
  if (text == kek::ConfigKek::kKind) return {};
  return fail(source.error(
      item,
      "expected \"config\"; other sources of the KEK are configured as "
      "seal \"KIND\" { … }"));
}

// What env:// and file:// name is read when the provider is built.
template <std::string EncryptionBlock::*Member>
Result<void> read_kek(const ConfigSource& source, const HclItem& item,
                      EncryptionBlock& block) {
  std::string& text = block.*Member;
  TRY(source.read(item, text));
  if (text.starts_with("env://") || text.starts_with("file://")) return {};
  const auto key = kek::ConfigKek::read_kek(text);
  if (key) return {};
  return fail(source.error(item, key.error().message()));
}

Result<void> read_rotation(const ConfigSource& source, const HclItem& item,
                           EncryptionBlock& block) {
  using B = EncryptionBlock;
  static constexpr ConfigKey<B> kKeys[] = {
      {"kek_source", read_kek_source},
      {"kek", read_kek<&B::rotation_kek>},
  };
  TRY_ASSIGN(const auto bodies, plain_blocks(source, item));
  if (bodies.size() != 1) {
    return fail(source.error(item, "expected one block"));
  }
  TRY(read_section<B>(source, kKeys, *bodies.front(), block));
  if (!block.rotation_kek.empty()) return {};
  return fail(source.error(item, "kek: missing; the new KEK belongs here"));
}

using E = EncryptionBlock;
constexpr ConfigKey<E> kEncryptionKeys[] = {
    {"kek_source", read_kek_source},
    {"kek", read_kek<&E::kek>},
    {"rotation", read_rotation},
};

Result<void> check_encryption(const ConfigSource& source, const HclItem& item,
                              const EncryptionBlock& block) {
  if (block.kek.empty()) {
    return fail(source.error(
        item, "kek: missing; `openssl rand -base64 32` makes one"));
  }
  if (block.kek != block.rotation_kek) return {};
  return fail(source.error(
      item, "rotation: kek: is the current KEK; the new one belongs here"));
}

// Vault's 0 asks for the default.
void fill_defaults(ListenerConfig& listener) {
  static const ListenerConfig kDefaults;
  const auto fill = [&](auto member) {
    using Value = std::remove_reference_t<decltype(listener.*member)>;
    if (listener.*member == Value{}) listener.*member = kDefaults.*member;
  };
  fill(&L::max_request_size);
  fill(&L::max_request_duration);
  fill(&L::max_header_bytes);
  fill(&L::http_read_header_timeout);
  fill(&L::http_read_timeout);
  fill(&L::http_idle_timeout);
  fill(&L::max_json_depth);
  fill(&L::max_json_string_value_length);
  fill(&L::max_json_object_entry_count);
  fill(&L::max_json_array_element_count);
  fill(&L::max_request_json_memory);
  fill(&L::max_request_json_strings);
}

}  // namespace

Result<void> read_encryption(const ConfigSource& source, const HclItem& item,
                             ServerConfig& config) {
  TRY_ASSIGN(const auto bodies, plain_blocks(source, item));
  if (bodies.size() != 1) {
    return fail(source.error(item, "expected one block"));
  }
  EncryptionBlock block;
  TRY(read_section<E>(source, kEncryptionKeys, *bodies.front(), block));
  TRY(check_encryption(source, item, block));
  SealStanza seal;
  seal.kind = seal.name = kek::ConfigKek::kKind;
  seal.file = source.file();
  seal.line = item.line;
  seal.options["kek"] = std::move(block.kek);
  if (!block.rotation_kek.empty()) {
    seal.options["rotation_kek"] = std::move(block.rotation_kek);
  }
  // A later file's block stands in place of an earlier one's.
  std::erase_if(config.seals, [&](const SealStanza& other) {
    return other.kind == seal.kind && other.name == seal.name;
  });
  config.seals.push_back(std::move(seal));
  return {};
}

Result<void> read_storage(const ConfigSource& source, const HclItem& item,
                          ServerConfig& config) {
  TRY_ASSIGN(auto stanza, read_storage_stanza(source, item));
  config.storage_type = std::move(stanza.type);
  config.storage_options = std::move(stanza.options);
  return {};
}

Result<void> read_listener(const ConfigSource& source, const HclItem& item,
                           ServerConfig& config) {
  TRY_ASSIGN(const auto blocks, labelled_blocks(source, item));
  for (const ConfigBlock& block : blocks) {
    if (block.label != "tcp") {
      return fail(source.error_at(
          block.line, fmt::format("listener \"{}\": unknown type; known: tcp",
                                  block.label.substr(0, 64))));
    }
    ListenerConfig listener;
    listener.file = source.file();
    listener.line = block.line;
    TRY(read_section<L>(source, kListenerKeys, *block.body, listener));
    fill_defaults(listener);
    config.listeners.push_back(std::move(listener));
  }
  return {};
}

Result<void> read_seal(const ConfigSource& source, const HclItem& item,
                       ServerConfig& config) {
  TRY_ASSIGN(const auto blocks, labelled_blocks(source, item));
  for (const ConfigBlock& block : blocks) {
    SealStanza seal;
    seal.kind = block.label;
    seal.file = source.file();
    seal.line = block.line;
    TRY(read_options(
        source, *block.body, [&](const HclItem& option, std::string text) {
          return read_seal_key(source, option, std::move(text), seal);
        }));
    config.seals.push_back(std::move(seal));
  }
  return {};
}

Result<void> read_kms_library(const ConfigSource& source, const HclItem& item,
                              ServerConfig& config) {
  using K = KmsLibrary;
  static constexpr ConfigKey<K> kKeys[] = {
      {"name", into<&K::name>},
      {"library", into<&K::path>},
  };
  TRY_ASSIGN(const auto blocks, labelled_blocks(source, item));
  for (const ConfigBlock& block : blocks) {
    const auto wrong = [&](std::string_view what) {
      return fail(source.error_at(
          block.line, fmt::format("kms_library \"{}\": {}",
                                  block.label.substr(0, 64), what)));
    };
    if (block.label != "pkcs11") return wrong("unknown type; known: pkcs11");
    KmsLibrary library;
    TRY(read_section<K>(source, kKeys, *block.body, library));
    if (library.name.empty()) return wrong("name: missing");
    if (!library.path.starts_with('/')) {
      return wrong(
          "library: expected the absolute path of the HSM vendor's PKCS#11 "
          "module");
    }
    const bool taken = std::ranges::any_of(
        config.kms_libraries,
        [&](const K& other) { return other.name == library.name; });
    if (taken) {
      return wrong(fmt::format("name: another one is called \"{}\", too",
                               library.name.substr(0, 64)));
    }
    config.kms_libraries.push_back(std::move(library));
  }
  return {};
}

Result<void> read_janitor(const ConfigSource& source, const HclItem& item,
                          ServerConfig& config) {
  using J = dek::JanitorOptions;
  static constexpr ConfigKey<J> kKeys[] = {
      {"interval", into<&J::interval>},
      {"limit", into<&J::limit>},
  };
  TRY_ASSIGN(const auto bodies, plain_blocks(source, item));
  if (bodies.size() != 1) {
    return fail(source.error(item, "expected one block"));
  }
  return read_section<J>(source, kKeys, *bodies.front(), config.janitor);
}

Result<void> read_telemetry(const ConfigSource& source, const HclItem& item,
                            ServerConfig& config) {
  TRY_ASSIGN(const auto blocks, plain_blocks(source, item));
  for (const HclObject* block : blocks) {
    TRY(read_section<C>(source, kTelemetryKeys, *block, config));
  }
  return {};
}

}  // namespace bulla::server
