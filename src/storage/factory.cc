#include "storage/factory.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <initializer_list>

#include "storage/etcd.h"
#include "storage/lmdb.h"
#include "storage/memory.h"
#include "storage/postgresql.h"
#include "storage/sole_storage.h"

namespace bulla::storage {
namespace {

std::string text_of(const StorageOptions& options, const std::string& name,
                    std::string fallback = {}) {
  const auto found = options.find(name);
  return found == options.end() ? std::move(fallback) : found->second;
}

std::size_t number_of(const StorageOptions& options, const std::string& name,
                      std::size_t fallback) {
  const std::string text = text_of(options, name);
  std::size_t value = fallback;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The first variable that is set, or else `fallback`.
std::string variable_or(std::initializer_list<const char*> names,
                        std::string fallback) {
  for (const char* const name : names) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return fallback;
}

// One server at a time: a second one that starts is told who holds it.
Result<void> check_alone(std::string_view type, const StorageOptions& options) {
  if (text_of(options, "ha_enabled") != "true") return {};
  return fail(invalid_argument(
      fmt::format("storage \"{}\": ha_enabled: one server at a time works on "
                  "it; take ha_enabled out",
                  type)));
}

Result<OpenedStorage> open_lmdb(const StorageOptions& options) {
  LmdbOptions lmdb;
  lmdb.directory = text_of(options, "path");
  lmdb.map_bytes_initial =
      number_of(options, "map_size", lmdb.map_bytes_initial);
  lmdb.map_bytes_max = number_of(options, "map_size_max", lmdb.map_bytes_max);
  TRY_ASSIGN(auto opened, LmdbStorage::open(std::move(lmdb)));
  return OpenedStorage{std::move(opened), nullptr};
}

Result<OpenedStorage> open_postgresql(const StorageOptions& options) {
  TRY(check_alone("postgresql", options));
  PostgresqlOptions pg;
  pg.connection_url =
      variable_or({"BULLA_PG_CONNECTION_URL", "BAO_PG_CONNECTION_URL",
                   "VAULT_PG_CONNECTION_URL"},
                  text_of(options, "connection_url"));
  pg.table = text_of(options, "table", pg.table);
  pg.max_parallel = number_of(options, "max_parallel", pg.max_parallel);
  pg.max_idle_connections =
      number_of(options, "max_idle_connections", pg.max_parallel);
  pg.request_timeout =
      std::chrono::seconds(number_of(options, "request_timeout", 10));
  TRY_ASSIGN(auto opened, PostgresqlStorage::open(std::move(pg)));
  Coordination* const coordination = opened.get();
  return OpenedStorage{std::move(opened), coordination};
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(", "), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Result<SecretBytes> etcd_password(const StorageOptions& options) {
  std::string password =
      variable_or({"ETCD_PASSWORD"}, text_of(options, "password"));
  const std::string name = text_of(options, "password_env");
  if (!name.empty()) {
    password = variable_or({name.c_str()}, "");
    if (password.empty()) {
      return fail(invalid_argument(fmt::format(
          "storage \"etcd\": password_env: the variable {} is not set", name)));
    }
  }
  auto secret = SecretBytes::copy_of(as_bytes(password));
  wipe({reinterpret_cast<std::uint8_t*>(password.data()), password.size()});
  return secret;
}

Result<OpenedStorage> open_etcd(const StorageOptions& options) {
  TRY(check_alone("etcd", options));
  EtcdOptions etcd;
  etcd.client.endpoints = split(variable_or(
      {"ETCD_ADDR"}, text_of(options, "address", "http://127.0.0.1:2379")));
  etcd.client.username =
      variable_or({"ETCD_USERNAME"}, text_of(options, "username"));
  TRY_ASSIGN(etcd.client.password, etcd_password(options));
  etcd.client.tls_ca_file = text_of(options, "tls_ca_file");
  etcd.client.tls_cert_file = text_of(options, "tls_cert_file");
  etcd.client.tls_key_file = text_of(options, "tls_key_file");
  etcd.client.timeout =
      std::chrono::seconds(number_of(options, "request_timeout", 5));
  etcd.client.max_parallel =
      number_of(options, "max_parallel", etcd.client.max_parallel);
  etcd.path = text_of(options, "path", etcd.path);
  TRY_ASSIGN(auto opened, EtcdStorage::open(std::move(etcd)));
  Coordination* const coordination = opened.get();
  return OpenedStorage{std::move(opened), coordination};
}

}  // namespace

Result<OpenedStorage> open_storage(std::string_view type,
                                   const StorageOptions& options) {
  if (type == "inmem") {
    return OpenedStorage{std::make_unique<MemoryStorage>(), nullptr};
  }
  if (type == "lmdb") return open_lmdb(options);
  if (type == "postgresql") return open_postgresql(options);
  if (type == "etcd") return open_etcd(options);
  return fail(invalid_argument(
      fmt::format("storage \"{}\": unknown type", type.substr(0, 64))));
}

Result<std::unique_ptr<Storage>> open_sole_storage(
    std::string_view type, const StorageOptions& options) {
  TRY_ASSIGN(auto opened, open_storage(type, options));
  if (opened.coordination == nullptr) return std::move(opened.storage);
  TRY_ASSIGN(auto sole, SoleStorage::open(std::move(opened.storage),
                                          *opened.coordination));
  return sole;
}

}  // namespace bulla::storage
