#include "server/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/hcl.h"
#include "base/secret_bytes.h"
#include "server/config_reader.h"
#include "server/config_sections.h"

namespace bulla::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;

Result<void> read_log_level(const ConfigSource& source, const HclItem& item,
                            ServerConfig& config) {
  TRY(source.read(item, config.log_level));
  if (parse_log_level(config.log_level)) return {};
  return fail(source.error(item, "expected trace, debug, info, warn or error"));
}

Result<void> read_log_format(const ConfigSource& source, const HclItem& item,
                             ServerConfig& config) {
  TRY(source.read(item, config.log_format));
  if (config.log_format == "standard" || config.log_format == "json") return {};
  return fail(source.error(item, "expected standard or json"));
}

template <std::string ServerConfig::*Member>
Result<void> read_url(const ConfigSource& source, const HclItem& item,
                      ServerConfig& config) {
  std::string& url = config.*Member;
  TRY(source.read(item, url));
  const bool plain = url.find('@') == std::string::npos;  // no credentials
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (plain && url.starts_with(scheme) && url.size() > scheme.size()) {
      return {};
    }
  }
  return fail(source.error(item, "expected a URL like https://HOST:PORT"));
}

template <Seconds ServerConfig::*Member>
Result<void> read_lease_ttl(const ConfigSource& source, const HclItem& item,
                            ServerConfig& config) {
  config.lease_ttl_place = fmt::format("{}:{}", source.file(), item.line);
  return source.read(item, config.*Member);
}

Result<void> refuse(const ConfigSource& source, const HclItem& item,
                    ServerConfig&) {
  return fail(
      source.error(item, "not supported; take it out of the configuration"));
}

using C = ServerConfig;
constexpr ConfigKey<C> kTopKeys[] = {
    {"storage", read_storage},
    {"backend", read_storage},
    {"listener", read_listener, true},
    {"seal", read_seal, true},
    {"encryption", read_encryption},
    {"kms_library", read_kms_library, true},
    {"telemetry", read_telemetry},
    {"deprecated_key_janitor", read_janitor},
    {"api_addr", read_url<&C::api_addr>},
    {"cluster_addr", read_url<&C::cluster_addr>},
    {"cluster_name", into<&C::cluster_name>},
    {"log_level", read_log_level},
    {"log_format", read_log_format},
    {"log_file", into<&C::log_file>},
    {"pid_file", into<&C::pid_file>},
    {"disable_mlock", into<&C::disable_mlock>},
    {"fips_mode", into<&C::fips_mode>},
    {"disable_seccomp", into<&C::disable_seccomp>},
    {"max_snapshot_size", into<&C::max_snapshot_size>},
    {"ui", into<&C::ui>},
    {"raw_storage_endpoint", into<&C::raw_storage_endpoint>},
    {"unsafe_allow_api_audit_creation",
     into<&C::unsafe_allow_api_audit_creation>},
    {"default_lease_ttl", read_lease_ttl<&C::default_lease_ttl>},
    {"max_lease_ttl", read_lease_ttl<&C::max_lease_ttl>},
    {"event_loops", into<&C::event_loops>},
    {"worker_threads", into<&C::worker_threads>},
    // Accepted and ignored; docs/configuration.md says why of each.
    {"disable_cache"},
    {"cache_size"},
    {"plugin_directory"},
    {"plugin_tmpdir"},
    {"plugin_file_uid"},
    {"plugin_file_permissions"},
    {"disable_clustering"},
    {"disable_performance_standby"},
    {"disable_sealwrap"},
    {"disable_printable_check"},
    {"disable_sentinel_trace"},
    {"detect_deadlocks"},
    {"enable_response_header_hostname"},
    {"enable_response_header_raft_node_id"},
    {"log_requests_level"},
    {"log_rotate_bytes"},
    {"log_rotate_duration"},
    {"log_rotate_max_files"},
    {"imprecise_lease_role_tracking"},
    {"introspection_endpoint"},
    {"license_path"},
    {"experiments"},
    // Ignoring these would leave the operator with less than was asked for.
    {"ha_storage", refuse},
    {"ha_backend", refuse},
    {"service_registration", refuse, true},
    {"entropy", refuse, true},
    {"audit", refuse, true},
    {"initialize", refuse, true},
};

// parse_hcl's "line N: …" as "FILE:N: …".
Error located(const ConfigSource& source, const Error& error) {
  std::string_view text = error.message();
  constexpr std::string_view kLine = "line ";
  if (!text.starts_with(kLine)) {
    return invalid_argument(fmt::format("{}: {}", source.file(), text));
  }
  text.remove_prefix(kLine.size());
  return invalid_argument(fmt::format("{}:{}", source.file(), text));
}

void wipe_text(std::string& text) {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

// The tree holds what seal stanzas hold: key material, when it was given
// inline.
void wipe_tree(HclValue& value) {
  if (auto* text = std::get_if<std::string>(&value.data)) wipe_text(*text);
  if (auto* list = std::get_if<HclList>(&value.data)) {
    for (HclValue& each : list->values) wipe_tree(each);
  }
  if (auto* object = std::get_if<HclObject>(&value.data)) {
    for (HclItem& item : object->items) wipe_tree(*item.value);
  }
}

Result<void> add_text(std::string_view text, std::string_view file,
                      ServerConfig& config) {
  const ConfigSource source(file);
  auto tree = parse_hcl(text);
  if (!tree) return fail(located(source, tree.error()));
  auto read = read_section<C>(source, kTopKeys, *tree, config);
  for (HclItem& item : tree->items) wipe_tree(*item.value);
  TRY(read);
  config.sources.emplace_back(file);
  return {};
}

Result<void> add_file(const fs::path& path, ServerConfig& config) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return fail(not_found(fmt::format("{}: cannot be read", path.string())));
  }
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kFileBytesMax) {
    return fail(invalid_argument(
        fmt::format("{}: longer than {} bytes", path.string(), kFileBytesMax)));
  }
  auto added = add_text(text, path.string(), config);
  wipe_text(text);
  return added;
}

Result<std::vector<fs::path>> files_of(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const auto extension = it->path().extension();
    if (extension != ".hcl" && extension != ".json") continue;
    // An editor's lock, which may lead nowhere.
    if (it->path().filename().string().starts_with(".#")) continue;
    if (it->is_regular_file(error)) files.push_back(it->path());
  }
  if (error) {
    return fail(not_found(fmt::format("{}: cannot be read: {}",
                                      directory.string(), error.message())));
  }
  if (files.empty()) {
    return fail(invalid_argument(
        fmt::format("{}: holds no *.hcl or *.json file", directory.string())));
  }
  std::ranges::sort(files);
  return files;
}

ServerConfig empty_config() {
  ServerConfig config;
  config.storage_type.clear();
  return config;
}

void finish(ServerConfig& config) {
  std::ranges::stable_sort(config.seals, {}, &SealStanza::priority);
}

}  // namespace

Result<ServerConfig> parse_config(std::string_view text,
                                  std::string_view file) {
  ServerConfig config = empty_config();
  TRY(add_text(text, file, config));
  finish(config);
  return config;
}

Result<ServerConfig> load_config(const std::vector<std::string>& paths) {
  ServerConfig config = empty_config();
  for (const std::string& name : paths) {
    const fs::path path(name);
    std::error_code error;
    const auto status = fs::status(path, error);
    if (!fs::exists(status)) {
      return fail(not_found(
          fmt::format("{}: no such file or directory", path.string())));
    }
    if (!fs::is_directory(status)) {
      TRY(add_file(path, config));
      continue;
    }
    TRY_ASSIGN(const auto files, files_of(path));
    for (const fs::path& file : files) TRY(add_file(file, config));
  }
  finish(config);
  return config;
}

Result<void> add_seal_of_environment(ServerConfig& config) {
  for (const char* const name :
       {"BULLA_SEAL_TYPE", "BAO_SEAL_TYPE", "VAULT_SEAL_TYPE"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view kind = std::string_view(value).substr(0, 64);
    std::string others;
    for (const SealStanza& seal : config.seals) {
      if (seal.disabled) continue;
      if (seal.kind == kind) return {};
      others += fmt::format("{}\"{}\"", others.empty() ? "" : ", ", seal.kind);
    }
    if (!others.empty()) {
      return fail(invalid_argument(
          fmt::format("{} is \"{}\", but the configuration has seal {}: unset "
                      "the one, or take out the other",
                      name, kind, others)));
    }
    if (kind == "shamir") return {};
    SealStanza seal;
    seal.kind = kind;
    seal.file = name;
    config.seals.push_back(std::move(seal));
    return {};
  }
  return {};
}

void wipe_seal_options(ServerConfig& config) {
  for (SealStanza& seal : config.seals) {
    for (auto& [key, text] : seal.options) {
      wipe_text(text);
      text.clear();
    }
  }
}

}  // namespace bulla::server
