#include "server/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"

namespace bulla::server {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;

constexpr std::string_view kFull = R"(
# As an operator of Vault writes it.
ui            = true
cluster_name  = "vault-1"
api_addr      = "https://vault.example:8200"
cluster_addr  = "https://vault.example:8201"
disable_mlock = "1"
fips_mode     = true
log_level     = "debug"
log_format    = "json"
log_file      = "/var/log/bulla.log"
pid_file      = "/run/bulla.pid"
raw_storage_endpoint = 1
unsafe_allow_api_audit_creation = "false"
default_lease_ttl = "24h"
max_lease_ttl     = 172800
event_loops    = 2
worker_threads = "3"
disable_cache  = true
plugin_directory = "/opt/plugins"

storage "lmdb" {
  path     = "/var/lib/bulla"
  map_size = 268435456
}

listener "tcp" {
  address       = "0.0.0.0:8200"
  tls_cert_file = "/etc/cert.pem"
  tls_key_file  = "/etc/key.pem"
  tls_min_version = "tls13"
  max_request_size = "1024"
  max_request_duration = "45s"
  http_idle_timeout = 120
  telemetry { unauthenticated_metrics_access = true }
}
listener "tcp" {
  address     = "127.0.0.1:8210"
  tls_disable = "true"
}

seal "static" {
  name           = "second"
  priority       = 2
  current_key_id = "k1"
  current_key    = "env://KEY"
}
seal "static" {
  name     = "first"
  priority = "1"
  disabled = "true"
}

telemetry {
  prometheus_retention_time = "30s"
  disable_hostname = true
  statsd_address = "127.0.0.1:8125"
}
)";

std::string error_of(std::string_view text) {
  const auto config = parse_config(text, "c.hcl");
  if (config) return "";
  EXPECT_EQ(config.error().code(), ErrorCode::kInvalidArgument);
  return config.error().message();
}

TEST(Config, ReadsWhatVaultWrites) {
  const auto parsed = parse_config(kFull, "c.hcl");
  ASSERT_TRUE(parsed) << parsed.error().message();
  const ServerConfig& c = *parsed;
  EXPECT_TRUE(c.ui);
  EXPECT_EQ(c.cluster_name, "vault-1");
  EXPECT_EQ(c.api_addr, "https://vault.example:8200");
  EXPECT_EQ(c.cluster_addr, "https://vault.example:8201");
  EXPECT_TRUE(c.disable_mlock);
  EXPECT_TRUE(c.fips_mode);
  EXPECT_EQ(c.log_level, "debug");
  EXPECT_EQ(c.log_format, "json");
  EXPECT_EQ(c.log_file, "/var/log/bulla.log");
  EXPECT_EQ(c.pid_file, "/run/bulla.pid");
  EXPECT_TRUE(c.raw_storage_endpoint);
  EXPECT_FALSE(c.unsafe_allow_api_audit_creation);
  EXPECT_EQ(c.default_lease_ttl, Seconds{86400});
  EXPECT_EQ(c.max_lease_ttl, Seconds{172800});
  EXPECT_EQ(c.event_loops, 2U);
  EXPECT_EQ(c.worker_threads, 3U);
  EXPECT_EQ(c.storage_type, "lmdb");
  EXPECT_EQ(c.storage_options.at("path"), "/var/lib/bulla");
  EXPECT_EQ(c.storage_options.at("map_size"), "268435456");
  EXPECT_EQ(c.prometheus_retention_time, Seconds{30});
  EXPECT_TRUE(c.telemetry_disable_hostname);
  EXPECT_THAT(c.sources, ElementsAre("c.hcl"));
  EXPECT_TRUE(check_config(c));
}

TEST(Config, ReadsSeveralListeners) {
  const auto c = parse_config(kFull, "c.hcl");
  ASSERT_TRUE(c);
  ASSERT_EQ(c->listeners.size(), 2U);
  const ListenerConfig& first = c->listeners[0];
  EXPECT_EQ(first.address, "0.0.0.0:8200");
  EXPECT_FALSE(first.tls_disable);
  EXPECT_EQ(first.tls_cert_file, "/etc/cert.pem");
  EXPECT_EQ(first.tls_key_file, "/etc/key.pem");
  EXPECT_EQ(first.tls_min_version, "tls13");
  EXPECT_EQ(first.max_request_size, 1024);
  EXPECT_EQ(first.max_request_duration, Seconds{45});
  EXPECT_EQ(first.http_idle_timeout, Seconds{120});
  EXPECT_TRUE(first.unauthenticated_metrics_access);
  EXPECT_TRUE(c->listeners[1].tls_disable);
  EXPECT_FALSE(c->listeners[1].unauthenticated_metrics_access);
}

TEST(Config, SortsSealsByPriority) {
  const auto c = parse_config(kFull, "c.hcl");
  ASSERT_TRUE(c);
  ASSERT_EQ(c->seals.size(), 2U);
  EXPECT_EQ(c->seals[0].name, "first");
  EXPECT_TRUE(c->seals[0].disabled);
  EXPECT_EQ(c->seals[1].options.at("current_key_id"), "k1");
  EXPECT_EQ(c->seals[1].options.count("priority"), 0U);
  EXPECT_EQ(c->seals[1].file, "c.hcl");
  EXPECT_GT(c->seals[1].line, 1);
}

TEST(Config, ReadsJsonInEachOfItsShapes) {
  const auto c = parse_config(
      R"({"storage": {"inmem": {}},
          "listener": [{"tcp": {"address": "127.0.0.1:1", "tls_disable": 1}},
                       {"tcp": [{"address": "127.0.0.1:2"}]}],
          "seal": {"static": [{"name": "a"}, {"name": "b"}]},
          "telemetry": [{"disable_hostname": true}],
          "max_lease_ttl": "768h"})",
      "c.json");
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_EQ(c->storage_type, "inmem");
  ASSERT_EQ(c->listeners.size(), 2U);
  EXPECT_EQ(c->listeners[1].address, "127.0.0.1:2");
  EXPECT_EQ(c->seals.size(), 2U);
  EXPECT_TRUE(c->telemetry_disable_hostname);
  EXPECT_EQ(c->max_lease_ttl, Seconds{2764800});
}

TEST(Config, NamesFileLineAndKeyOfAnUnknownOne) {
  EXPECT_EQ(error_of("\n\nlog_levle = \"info\"\n"),
            "c.hcl:3: log_levle: unknown key; did you mean \"log_level\"?");
  EXPECT_EQ(error_of("zebra = 1"), "c.hcl:1: zebra: unknown key");
  EXPECT_EQ(error_of("listener \"tcp\" {\n  tls_cert = \"x\"\n}"),
            "c.hcl:2: tls_cert: unknown key");
  EXPECT_EQ(error_of("listener \"tcp\" {\n  adress = \"x\"\n}"),
            "c.hcl:2: adress: unknown key; did you mean \"address\"?");
  EXPECT_EQ(error_of("storage \"lmdb\" {\n path = \"x\"\n mapsize = 1\n}"),
            "c.hcl:3: mapsize: unknown key; did you mean \"map_size\"?");
  EXPECT_THAT(error_of("telemetry {\n  prometheus_retention = 1\n}"),
              StartsWith("c.hcl:2: prometheus_retention: unknown key"));
}

TEST(Config, RefusesWrongTypesWithoutShowingTheValue) {
  for (const std::string_view text :
       {"ui = \"hunter2\"", "event_loops = \"hunter2\"",
        "max_lease_ttl = \"hunter2\"", "log_level = \"hunter2\"",
        "api_addr = \"hunter2\"", "api_addr = \"https://u:hunter2@h\"",
        "cluster_name = [\"hunter2\"]", "listener \"tcp\" { address = {} }",
        "listener = \"hunter2\"", "telemetry = \"hunter2\"",
        "storage = [\"hunter2\"]", "seal \"static\" { current_key = [] }",
        "log_format = \"hunter2\"",
        "listener \"tcp\" { tls_min_version = \"tls10\" }"}) {
    EXPECT_THAT(error_of(text), StartsWith("c.hcl:1: ")) << text;
    EXPECT_THAT(error_of(text), Not(HasSubstr("hunter2")));
  }
}

TEST(Config, BoundsNumbers) {
  EXPECT_THAT(error_of("event_loops = -1"), HasSubstr("from 0 to 1024"));
  EXPECT_THAT(error_of("event_loops = 1.5"), HasSubstr("whole number"));
  EXPECT_THAT(error_of("event_loops = 99999999999999999999999"),
              HasSubstr("whole number"));
  EXPECT_THAT(error_of("max_lease_ttl = -1"), HasSubstr("from 0"));
  EXPECT_THAT(error_of("max_lease_ttl = \"900000h\""), HasSubstr("876000h"));
  EXPECT_THAT(error_of("max_lease_ttl = true"), HasSubstr("a duration"));
  const auto c = parse_config(
      "listener \"tcp\" { max_request_size = -1\n"
      "http_read_timeout = \"1500ms\"\n max_header_bytes = 0x400 }",
      "c");
  ASSERT_TRUE(c) << c.error().message();
  EXPECT_EQ(c->listeners[0].max_request_size, -1);
  EXPECT_EQ(c->listeners[0].http_read_timeout, Seconds{2});
  EXPECT_EQ(c->listeners[0].max_header_bytes, 1024U);
}

TEST(Config, RefusesDuplicatesInOneFile) {
  EXPECT_EQ(error_of("ui = true\nui = false"),
            "c.hcl:2: ui: given twice, first on line 1");
  EXPECT_THAT(error_of("storage \"inmem\" {}\nstorage \"inmem\" {}"),
              HasSubstr("given twice"));
  EXPECT_THAT(error_of("seal \"static\" {\n a = 1\n a = 2\n}"),
              EndsWith(":3: a: given twice"));
}

TEST(Config, RefusesOtherStoragesByName) {
  for (const std::string_view type : {"file", "raft", "consul", "mysql"}) {
    const auto text = error_of("storage \"" + std::string(type) + "\" {}");
    EXPECT_THAT(text, HasSubstr(type));
    EXPECT_THAT(text, HasSubstr("lmdb"));
    EXPECT_THAT(text, HasSubstr("inmem"));
  }
  EXPECT_THAT(error_of("storage \"lmdb\" {}"), HasSubstr("path: missing"));
  EXPECT_THAT(error_of("storage \"lmdb\" { path = \"a\"\n map_size = \"x\" }"),
              HasSubstr("map_size"));
  EXPECT_EQ(error_of("backend \"inmem\" {}"), "");
}

TEST(Config, ReadsSharedStorages) {
  const auto pg = parse_config(
      "storage \"postgresql\" {\n connection_url = \"postgres://h/d\"\n"
      " table = \"t\"\n max_parallel = \"4\"\n ha_enabled = \"false\"\n"
      " request_timeout = \"5s\"\n ha_table = \"x\"\n}",
      "c");
  ASSERT_TRUE(pg) << pg.error().message();
  EXPECT_EQ(pg->storage_type, "postgresql");
  const std::map<std::string, std::string> options = {
      {"connection_url", "postgres://h/d"},
      {"table", "t"},
      {"max_parallel", "4"},
      {"ha_enabled", "false"},
      {"request_timeout", "5"}};
  EXPECT_EQ(pg->storage_options, options);
  const auto etcd = parse_config(
      "storage \"etcd\" { address = \"http://a:1,http://b:1\"\n path = \"p\" }",
      "c");
  ASSERT_TRUE(etcd) << etcd.error().message();
  EXPECT_EQ(etcd->storage_options.at("address"), "http://a:1,http://b:1");
  EXPECT_THAT(error_of("storage \"etcd\" { adress = \"x\" }"),
              HasSubstr("did you mean \"address\"?"));
  EXPECT_THAT(error_of("storage \"postgresql\" { request_timeout = 0 }"),
              HasSubstr("a second or more"));
  EXPECT_THAT(error_of("storage \"postgresql\" { max_parallel = \"hunter2\" }"),
              Not(HasSubstr("hunter2")));
}

TEST(Config, RefusesWhatItCannotHonour) {
  EXPECT_THAT(error_of("listener \"unix\" {}"), HasSubstr("known: tcp"));
  EXPECT_THAT(error_of("ha_storage \"lmdb\" {}"), HasSubstr("not supported"));
  EXPECT_THAT(error_of("listener \"tcp\" { chroot_namespace = \"a\" }"),
              HasSubstr("not supported"));
  EXPECT_THAT(error_of("listener \"tcp\" { require_request_header = true }"),
              HasSubstr("only false is possible"));
}

TEST(Config, NamesTheLibrariesOfManagedKeys) {
  const auto parsed = parse_config(
      "kms_library \"pkcs11\" {\n name = \"a\"\n library = \"/x.so\"\n}\n"
      "kms_library \"pkcs11\" {\n name = \"b\"\n library = \"/y.so\"\n}",
      "c");
  ASSERT_TRUE(parsed) << parsed.error().message();
  ASSERT_EQ(parsed->kms_libraries.size(), 2U);
  EXPECT_EQ(parsed->kms_libraries[1].name, "b");
  EXPECT_EQ(parsed->kms_libraries[1].path, "/y.so");
  const auto library = [](std::string_view body) {
    return error_of(fmt::format("kms_library \"pkcs11\" {{ {} }}", body));
  };
  EXPECT_THAT(library("library = \"/x.so\""), HasSubstr("name: missing"));
  EXPECT_THAT(library("name = \"a\""), HasSubstr("absolute path"));
  EXPECT_THAT(library("name = \"a\"\n library = \"x.so\""),
              HasSubstr("absolute path"));
  EXPECT_THAT(library("path = \"a\""), HasSubstr("unknown key"));
  EXPECT_THAT(error_of("kms_library \"awskms\" {}"),
              HasSubstr("known: pkcs11"));
  EXPECT_THAT(
      error_of("kms_library \"pkcs11\" {\n name = \"a\"\n library = \"/x\"\n}\n"
               "kms_library \"pkcs11\" {\n name = \"a\"\n library = \"/y\"\n}"),
      HasSubstr("another one is called \"a\""));
}

TEST(Config, PassesOnSyntaxErrorsWithTheirPlace) {
  EXPECT_THAT(error_of("ui = true\nlistener \"tcp\" {\n"),
              StartsWith("c.hcl:"));
  EXPECT_THAT(error_of("{\"ui\": tru}"), StartsWith("c.hcl:"));
}

ServerConfig valid() {
  auto config = parse_config(
      "storage \"inmem\" {}\nlistener \"tcp\" { tls_disable = true }", "c");
  return std::move(*config);
}

std::string check_error(const ServerConfig& config) {
  const auto checked = check_config(config);
  return checked ? "" : checked.error().message();
}

TEST(CheckConfig, FindsWhatOnlyTheWholeShows) {
  EXPECT_EQ(check_error(valid()), "");
  const auto empty = parse_config("", "c");
  ASSERT_TRUE(empty);
  EXPECT_THAT(check_error(*empty), HasSubstr("no storage"));
  ServerConfig config = valid();
  config.listeners.clear();
  EXPECT_THAT(check_error(config), HasSubstr("no listener"));
  config = valid();
  config.listeners[0].tls_disable = false;
  EXPECT_THAT(check_error(config), HasSubstr("tls_cert_file"));
  config = valid();
  config.listeners.push_back(config.listeners[0]);
  EXPECT_THAT(check_error(config), HasSubstr("another listener has it"));
  config.listeners[0].address = config.listeners[1].address = "127.0.0.1:0";
  EXPECT_EQ(check_error(config), "");
  config = valid();
  config.default_lease_ttl = config.max_lease_ttl + Seconds{1};
  EXPECT_THAT(check_error(config), HasSubstr("default_lease_ttl"));
  config = valid();
  config.listeners[0].tls_require_and_verify_client_cert = true;
  EXPECT_THAT(check_error(config), HasSubstr("tls_client_ca_file"));
}

TEST(CheckConfig, NamesFileAndLine) {
  const auto error = [](const std::string& text) {
    const auto config = parse_config(text, "c.hcl");
    return config ? check_error(*config) : config.error().message();
  };
  const std::string storage = "storage \"inmem\" {}\n";
  const std::string plain =
      "listener \"tcp\" {\n address = \"[::1]:1\"\n tls_disable = true\n}\n";
  EXPECT_EQ(error(storage + plain), "");
  EXPECT_THAT(error(plain), StartsWith("c.hcl: no storage"));
  EXPECT_THAT(error(storage), StartsWith("c.hcl: no listener"));
  EXPECT_THAT(error(storage + "listener \"tcp\" {}"),
              StartsWith("c.hcl:2: listener \"tcp\": tls_cert_file"));
  EXPECT_THAT(error(storage + "\nlistener \"tcp\" { address = \"x\" }"),
              StartsWith("c.hcl:3: listener \"tcp\": address: \"x\""));
  EXPECT_EQ(error(storage + plain + plain),
            "c.hcl:6: listener \"tcp\": address: \"[::1]:1\": another listener "
            "has it, too");
  EXPECT_EQ(
      error(storage + plain + "max_lease_ttl = 1\ndefault_lease_ttl = 2\n"),
      "c.hcl:7: default_lease_ttl: longer than max_lease_ttl");
}

TEST(Config, ZeroAsksForTheDefault) {
  const auto c = parse_config(
      "listener \"tcp\" {\n max_request_size = 0\n max_request_duration = 0\n"
      "max_header_bytes = 0\n http_read_header_timeout = \"0s\"\n"
      "http_read_timeout = 0\n http_idle_timeout = 0\n max_json_depth = 0\n"
      "max_request_json_memory = 0\n max_request_json_strings = -1\n}",
      "c");
  ASSERT_TRUE(c) << c.error().message();
  const ListenerConfig& listener = c->listeners[0];
  const ListenerConfig defaults;
  EXPECT_EQ(listener.max_request_size, defaults.max_request_size);
  EXPECT_EQ(listener.max_request_duration, defaults.max_request_duration);
  EXPECT_EQ(listener.max_header_bytes, defaults.max_header_bytes);
  EXPECT_EQ(listener.http_read_header_timeout,
            defaults.http_read_header_timeout);
  EXPECT_EQ(listener.http_read_timeout, defaults.http_read_timeout);
  EXPECT_EQ(listener.http_idle_timeout, defaults.http_idle_timeout);
  EXPECT_EQ(listener.max_json_depth, defaults.max_json_depth);
  EXPECT_EQ(listener.max_request_json_memory, defaults.max_request_json_memory);
  EXPECT_EQ(listener.max_request_json_strings, -1);
}

TEST(CheckConfig, ReadsAddresses) {
  ServerConfig config = valid();
  for (const char* bad :
       {"", "8200", "host:", "host:99999", "host:1x", "::1:1", "host:-1"}) {
    config.listeners[0].address = bad;
    EXPECT_THAT(check_error(config), HasSubstr("address")) << bad;
  }
  for (const char* good : {":8200", "[::1]:8200", "localhost:1"}) {
    config.listeners[0].address = good;
    EXPECT_EQ(check_error(config), "") << good;
  }
}

TEST(CheckConfig, HoldsSealsAgainstEachOther) {
  const std::string base =
      "storage \"inmem\" {}\nlistener \"tcp\" { tls_disable = true }\n";
  const auto error = [&](const std::string& seals) {
    const auto config = parse_config(base + seals, "c");
    return config ? check_error(*config) : config.error().message();
  };
  EXPECT_EQ(error("seal \"shamir\" {}"), "");
  EXPECT_THAT(error("seal \"shamir\" { disabled = true }"),
              EndsWith("Shamir seals cannot be set disabled (they should "
                       "simply not be set)"));
  EXPECT_THAT(error("seal \"shamir\" {}\nseal \"static\" {}"),
              HasSubstr("passkey add"));
  EXPECT_EQ(error("seal \"shamir\" {}\nseal \"static\" { disabled = true }"),
            "");
  EXPECT_THAT(error("seal \"passphrase\" {}"), HasSubstr("is missing"));
  EXPECT_EQ(error("seal \"passphrase\" { passphrase = \"file:///x\" }"), "");
  EXPECT_THAT(error("seal \"env\" {}\nseal \"env\" { name = \"b\" }"),
              HasSubstr("stands there twice"));
  EXPECT_THAT(error("seal \"static\" {}\nseal \"static\" {}"),
              HasSubstr("another seal is called \"static\""));
  EXPECT_THAT(error("seal \"static\" {name=\"a\"}\nseal \"static\" "
                    "{name=\"a\"}"),
              HasSubstr("is called"));
}

TEST(SealType, MayComeFromTheEnvironment) {
  const auto kinds = [](const std::string& seals) -> std::string {
    auto config = parse_config(seals, "c").value();
    const auto added = add_seal_of_environment(config);
    if (!added) return added.error().message();
    std::string text;
    for (const SealStanza& seal : config.seals) text += seal.kind + ";";
    return text;
  };
  EXPECT_EQ(kinds(""), "");
  ::setenv("VAULT_SEAL_TYPE", "transit", 1);
  EXPECT_EQ(kinds(""), "transit;");
  EXPECT_EQ(kinds("seal \"transit\" {}"), "transit;");
  EXPECT_EQ(kinds("seal \"static\" { disabled = true }"), "static;transit;");
  EXPECT_EQ(kinds("seal \"static\" {}"),
            "VAULT_SEAL_TYPE is \"transit\", but the configuration has seal "
            "\"static\": unset the one, or take out the other");
  ::setenv("BULLA_SEAL_TYPE", "shamir", 1);
  EXPECT_EQ(kinds(""), "");
  EXPECT_THAT(kinds("seal \"static\" {}"), HasSubstr("BULLA_SEAL_TYPE"));
  ::unsetenv("BULLA_SEAL_TYPE");
  ::unsetenv("VAULT_SEAL_TYPE");
}

TEST(SealStanza, SaysHowItIsWatched) {
  const auto c = parse_config(
      "seal \"static\" {\n health_check_enabled = false\n"
      " health_check_timeout = \"5s\"\n health_check_interval = 30\n"
      " health_check_interval_unhealthy = \"2m\"\n priority = 3\n}",
      "c");
  ASSERT_TRUE(c) << c.error().message();
  const SealStanza& seal = c->seals.front();
  EXPECT_FALSE(seal.health.enabled);
  EXPECT_EQ(seal.health.timeout, Seconds{5});
  EXPECT_EQ(seal.health.interval, Seconds{30});
  EXPECT_EQ(seal.health.interval_unhealthy, Seconds{120});
  EXPECT_EQ(seal.priority, 3);
  EXPECT_TRUE(seal.options.empty());
  const auto wrong =
      parse_config("seal \"static\" { health_check_interval = 0 }", "c");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(),
            "c:1: health_check_interval: expected a second or more");
}

TEST(SanitizedConfig, ShowsNoSecretOfAnyField) {
  // Every text that the configuration may hold is a canary; only what the
  // allow-list names may come through.
  const auto c = parse_config(
      R"(storage "lmdb" { path = "CANARY" }
         listener "tcp" {
           address = "127.0.0.1:8200"
           tls_cert_file = "CANARY" tls_key_file = "CANARY"
           tls_client_ca_file = "CANARY" tls_cipher_suites = "CANARY"
         }
         seal "static" {
           name = "n" current_key = "CANARY" current_key_id = "CANARY"
           previous_key = "CANARY" token = "CANARY" pin = "CANARY"
         }
         log_file = "CANARY"
         plugin_directory = "CANARY"
         license_path = "CANARY"
         telemetry { circonus_api_token = "CANARY" statsd_address = "CANARY" })",
      "CANARY.hcl");
  ASSERT_TRUE(c) << c.error().message();
  const std::string text = sanitized_json(*c);
  EXPECT_THAT(text, Not(HasSubstr("CANARY")));
  JsonParser parser;
  const auto json = parse_json(parser, text);
  ASSERT_TRUE(json) << text;
  EXPECT_THAT(text, HasSubstr("\"type\":\"lmdb\""));
  EXPECT_THAT(text, HasSubstr("\"fips_mode\":false"));
  EXPECT_THAT(text, HasSubstr("\"address\":\"127.0.0.1:8200\""));
  EXPECT_THAT(text, HasSubstr("\"type\":\"static\""));
}

TEST(Config, WipesSealOptions) {
  auto c = parse_config("seal \"static\" { current_key = \"abc\" }", "c");
  ASSERT_TRUE(c);
  wipe_seal_options(*c);
  EXPECT_EQ(c->seals[0].options.at("current_key"), "");
}

constexpr std::string_view kKek =
    "JvQMSVkI33KWimSo7kjqqrp8O7zv9zPbqy5R9jE1Qjs=";
constexpr std::string_view kNextKek =
    "nFRxNzeqV06Zjdit/Z1WhxxRzXSgHHwJiAbtlqjDlXE=";

TEST(EncryptionBlock, IsTheConfigSeal) {
  const auto plain = parse_config(
      fmt::format("encryption {{\n kek_source = \"config\"\n kek = \"{}\"\n}}",
                  kKek),
      "c");
  ASSERT_TRUE(plain) << plain.error().message();
  ASSERT_EQ(plain->seals.size(), 1U);
  EXPECT_EQ(plain->seals[0].kind, "config");
  EXPECT_EQ(plain->seals[0].options.at("kek"), kKek);
  EXPECT_EQ(plain->seals[0].options.count("rotation_kek"), 0U);
  const std::string rotating = fmt::format(
      R"({{"encryption": {{"kek": "{}", "rotation": [{{"kek": "{}",
          "kek_source": "config"}}]}}}})",
      kKek, kNextKek);
  auto both = parse_config(rotating, "c.json");
  ASSERT_TRUE(both) << both.error().message();
  EXPECT_EQ(both->seals[0].options.at("rotation_kek"), kNextKek);
  EXPECT_THAT(sanitized_json(*both), Not(HasSubstr(std::string(kKek))));
  wipe_seal_options(*both);
  EXPECT_EQ(both->seals[0].options.at("rotation_kek"), "");
  EXPECT_TRUE(parse_config("encryption { kek = \"file:///x\" }", "c"));
}

TEST(EncryptionBlock, NamesTheLineThatIsWrong) {
  const auto error = [](std::string_view body) {
    const auto made =
        parse_config(fmt::format("encryption {{\n{}\n}}", body), "c");
    EXPECT_FALSE(made) << body;
    return made ? "" : made.error().message();
  };
  const std::string kek = fmt::format("kek = \"{}\"\n", kKek);
  EXPECT_EQ(error(""),
            "c:1: encryption: kek: missing; `openssl rand -base64 32` makes "
            "one");
  EXPECT_THAT(error("kek = \"hunter2\""),
              StartsWith("c:2: kek: expected base64 of exactly 32 bytes"));
  EXPECT_THAT(error("kek = \"hunter2\""), Not(HasSubstr("hunter2")));
  EXPECT_THAT(error(kek + "kek_source = \"vault\""),
              StartsWith("c:3: kek_source: expected \"config\""));
  EXPECT_THAT(error(kek + "rotation {\n kek = \"x\"\n}"),
              StartsWith("c:4: kek: expected base64"));
  EXPECT_THAT(error(kek + "rotation {\n}"),
              StartsWith("c:3: rotation: kek: missing"));
  EXPECT_THAT(error(kek + "rotation {\n" + kek + "}"),
              HasSubstr("is the current KEK"));
  EXPECT_THAT(error(kek + "rotation {\n kec = 1\n}"),
              StartsWith("c:4: kec: unknown key"));
  EXPECT_THAT(error(kek + kek), HasSubstr("given twice"));
  EXPECT_THAT(error(kek + "}\nencryption {\n" + kek), HasSubstr("given twice"));
}

class LoadConfig : public ::testing::Test {
 protected:
  LoadConfig() {
    std::string made = (fs::temp_directory_path() / "config.XXXXXX").string();
    directory_ = mkdtemp(made.data());
  }
  ~LoadConfig() override { fs::remove_all(directory_); }
  std::string write(const std::string& name, std::string_view text) {
    const fs::path path = directory_ / name;
    std::ofstream(path) << text;
    return path.string();
  }
  fs::path directory_;
};

TEST_F(LoadConfig, LaysLaterFilesOverEarlierOnes) {
  const auto a = write("a.hcl", R"(ui = true
    log_level = "warn"
    storage "inmem" {}
    listener "tcp" { address = "127.0.0.1:1" })");
  const auto b = write("b.json", R"({"log_level": "error",
    "listener": {"tcp": {"address": "127.0.0.1:2"}},
    "storage": {"lmdb": {"path": "/x"}}})");
  write("ignored.txt", "zebra = 1");
  for (const auto& paths :
       {std::vector{a, b}, std::vector{directory_.string()}}) {
    const auto c = load_config(paths);
    ASSERT_TRUE(c) << c.error().message();
    EXPECT_TRUE(c->ui);
    EXPECT_EQ(c->log_level, "error");
    EXPECT_EQ(c->storage_type, "lmdb");
    EXPECT_EQ(c->listeners.size(), 2U);
    EXPECT_THAT(c->sources, ElementsAre(a, b));
  }
}

TEST_F(LoadConfig, TakesTheLaterEncryptionBlock) {
  write("a.hcl", fmt::format("encryption {{ kek = \"{}\" }}", kKek));
  write("b.hcl", fmt::format("encryption {{ kek = \"{}\" }}", kNextKek));
  const auto c = load_config({directory_.string()});
  ASSERT_TRUE(c) << c.error().message();
  ASSERT_EQ(c->seals.size(), 1U);
  EXPECT_EQ(c->seals[0].options.at("kek"), kNextKek);
}

TEST_F(LoadConfig, NamesTheFileThatIsWrong) {
  write("a.hcl", "ui = true");
  const auto b = write("b.hcl", "\nzebra = 1");
  const auto c = load_config({directory_.string()});
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().message(), b + ":2: zebra: unknown key");
}

TEST_F(LoadConfig, RefusesMissingEmptyAndHugePaths) {
  const auto missing = load_config({(directory_ / "no.hcl").string()});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  const auto empty = load_config({directory_.string()});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code(), ErrorCode::kInvalidArgument);
  const auto huge = load_config({write("big.hcl", std::string(2 << 20, '\n'))});
  ASSERT_FALSE(huge);
  EXPECT_THAT(huge.error().message(), HasSubstr("longer than"));
}

TEST(Config, TheJanitorOfDeprecatedKeys) {
  const auto usual = parse_config(R"(storage "inmem" {})", "f");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->janitor.interval, Seconds{1800});
  EXPECT_EQ(usual->janitor.limit, 100U);
  const auto set = parse_config(
      "deprecated_key_janitor { interval = \"90s\"  limit = 7 }", "f");
  ASSERT_TRUE(set) << set.error().message();
  EXPECT_EQ(set->janitor.interval, Seconds{90});
  EXPECT_EQ(set->janitor.limit, 7U);
  EXPECT_THAT(
      sanitized_json(*set),
      HasSubstr(R"("deprecated_key_janitor":{"interval":90,"limit":7})"));
  for (const char* text : {"deprecated_key_janitor { intervall = 1 }",
                           "deprecated_key_janitor { interval = \"often\" }",
                           "deprecated_key_janitor { limit = -1 }"}) {
    EXPECT_FALSE(parse_config(text, "f")) << text;
  }
}

}  // namespace
}  // namespace bulla::server
