#include <fmt/format.h>

#include <charconv>
#include <set>

#include "server/config.h"

namespace bulla::server {
namespace {

// "FILE:LINE: listener "tcp": what".
Error wrong_listener(const ListenerConfig& listener, std::string_view what) {
  const std::string place =
      listener.file.empty()
          ? std::string()
          : fmt::format("{}:{}: ", listener.file, listener.line);
  return invalid_argument(fmt::format("{}listener \"tcp\": {}", place, what));
}

Result<void> check_address(const ListenerConfig& listener) {
  const std::string& address = listener.address;
  const std::size_t colon = address.rfind(':');
  const auto wrong = [&](std::string_view what) {
    return fail(wrong_listener(
        listener, fmt::format("address: \"{}\": {}", address, what)));
  };
  if (colon == std::string::npos) return wrong("expected HOST:PORT");
  const std::string_view host = std::string_view(address).substr(0, colon);
  if (host.find(':') != std::string_view::npos &&
      !(host.starts_with('[') && host.ends_with(']'))) {
    return wrong("put an IPv6 address in brackets, [::1]:8200");
  }
  unsigned port = 0;
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end || port > 65535) {
    return wrong("expected a port from 0 to 65535 after the colon");
  }
  return {};
}

Result<void> check_listener(const ListenerConfig& listener) {
  TRY(check_address(listener));
  const auto wrong = [&](std::string_view what) {
    return fail(wrong_listener(listener, what));
  };
  if (!listener.tls_disable &&
      (listener.tls_cert_file.empty() || listener.tls_key_file.empty())) {
    return wrong(
        "tls_cert_file and tls_key_file are both needed; tls_disable = true "
        "serves without TLS");
  }
  if (listener.tls_min_version > listener.tls_max_version) {
    return wrong("tls_min_version is above tls_max_version");
  }
  if (listener.tls_require_and_verify_client_cert &&
      listener.tls_disable_client_certs) {
    return wrong(
        "tls_require_and_verify_client_cert and tls_disable_client_certs "
        "exclude each other");
  }
  if (listener.tls_require_and_verify_client_cert &&
      (listener.tls_disable || listener.tls_client_ca_file.empty())) {
    return wrong(
        "tls_require_and_verify_client_cert needs TLS and tls_client_ca_file");
  }
  if (listener.max_connections == 0) return wrong("max_connections is 0");
  return {};
}

Result<void> check_seals(const ServerConfig& config) {
  std::set<std::string> names;
  bool shamir = false;
  bool automatic = false;
  int env = 0;
  for (const SealStanza& seal : config.seals) {
    const auto wrong = [&](std::string_view what) {
      return fail(invalid_argument(fmt::format(
          "{}:{}: seal \"{}\": {}", seal.file, seal.line, seal.kind, what)));
    };
    if (seal.kind == "shamir" && seal.disabled) {
      return wrong(
          "Shamir seals cannot be set disabled (they should simply not be "
          "set)");
    }
    // Without a name it is called like its kind.
    const std::string& name = seal.name.empty() ? seal.kind : seal.name;
    if (!names.insert(name).second) {
      return wrong(fmt::format(
          "another seal is called \"{}\", too; tell them apart with name",
          name.substr(0, 64)));
    }
    if (seal.disabled) continue;
    // The environment is read once, and wiped.
    if (seal.kind == "env" && env++ > 0) {
      return wrong("stands there twice; one has every KEK of the environment");
    }
    if (seal.kind == "passphrase" && !seal.options.contains("passphrase")) {
      return wrong(
          "passphrase is missing, say file://PATH; one that people give needs "
          "no stanza: `bulla passkey add -kind=passphrase`");
    }
    (seal.kind == "shamir" ? shamir : automatic) = true;
    if (shamir && automatic) {
      return wrong(
          "shamir beside a seal that opens by itself needs no stanza: take it "
          "out, and add shares with `bulla passkey add -kind=shamir`");
    }
  }
  return {};
}

}  // namespace

Result<void> check_config(const ServerConfig& config) {
  const auto missing = [&](std::string_view what) {
    return fail(invalid_argument(
        fmt::format("{}: {}", fmt::join(config.sources, ", "), what)));
  };
  if (config.storage_type.empty()) {
    return missing(
        "no storage is configured; add storage \"lmdb\" { path = "
        "\"DIRECTORY\" }");
  }
  if (config.listeners.empty()) {
    return missing(
        "no listener is configured; add listener \"tcp\" { address = "
        "\"127.0.0.1:8200\" … }");
  }
  std::set<std::string_view> addresses;
  for (const ListenerConfig& listener : config.listeners) {
    TRY(check_listener(listener));
    if (listener.address.ends_with(":0")) continue;
    if (!addresses.insert(listener.address).second) {
      return fail(wrong_listener(
          listener, fmt::format("address: \"{}\": another listener has it, too",
                                listener.address)));
    }
  }
  if (config.default_lease_ttl > config.max_lease_ttl) {
    return fail(invalid_argument(
        fmt::format("{}: default_lease_ttl: longer than max_lease_ttl",
                    config.lease_ttl_place)));
  }
  return check_seals(config);
}

Result<void> check_logging(const ServerConfig& config) {
  TRY(parse_log_level(config.log_level));
  if (config.log_format == "standard" || config.log_format == "json") return {};
  return fail(invalid_argument(fmt::format(
      "unknown log format {:?}: use standard or json", config.log_format)));
}

}  // namespace bulla::server
