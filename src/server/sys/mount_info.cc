#include "server/sys/mount_info.h"

namespace bulla::server {
namespace {

constexpr std::string_view kAuthPrefix = "auth/";

// Of these there is one each, always.
bool is_builtin(const api::MountConfig& config) {
  return config.type == "system" || config.type == "cubbyhole" ||
         config.type == "token" || config.type == "identity";
}

void write_options(JsonWriter& out, const api::MountConfig& config) {
  out.key("options");
  if (config.options.empty() && is_builtin(config)) {
    out.null();
    return;
  }
  out.begin_object();
  for (const auto& [name, value] : config.options) out.member(name, value);
  out.end_object();
}

void write_list(JsonWriter& out, std::string_view name,
                const std::vector<std::string>& values) {
  if (!values.empty()) out.key(name).strings(values);
}

void write_text(JsonWriter& out, std::string_view name,
                const std::string& value) {
  if (!value.empty()) out.member(name, value);
}

void write_lockout(JsonWriter& out, const LockoutConfig& lockout) {
  out.member("user_lockout_counter_reset_duration",
             lockout.counter_reset.count())
      .member("user_lockout_disable", lockout.disabled)
      .member("user_lockout_duration", lockout.duration.count())
      .member("user_lockout_threshold", lockout.threshold);
}

// Members are in the order of their names, as Go prints maps.
void write_config(JsonWriter& out, const api::MountConfig& config) {
  out.key("config").begin_object();
  write_list(out, "allowed_managed_keys", config.allowed_managed_keys);
  write_list(out, "allowed_response_headers", config.allowed_response_headers);
  write_list(out, "audit_non_hmac_request_keys",
             config.audit_non_hmac_request_keys);
  write_list(out, "audit_non_hmac_response_keys",
             config.audit_non_hmac_response_keys);
  out.member("default_lease_ttl", config.default_lease_ttl.count())
      .member("force_no_cache", config.force_no_cache);
  write_text(out, "listing_visibility", config.listing_visibility);
  out.member("max_lease_ttl", config.max_lease_ttl.count());
  write_list(out, "passthrough_request_headers",
             config.passthrough_request_headers);
  if (config.is_auth) {
    out.member("token_type", config.token_type.empty()
                                 ? std::string("default-service")
                                 : config.token_type);
  }
  out.end_object();
}

}  // namespace

void write_mount_info(JsonWriter& out, const api::MountConfig& config) {
  out.begin_object().member("accessor", config.accessor);
  write_config(out, config);
  if (!is_builtin(config)) out.member("deprecation_status", "supported");
  out.member("description", config.description)
      .member("external_entropy_access", config.external_entropy_access)
      .member("local", config.local);
  write_options(out, config);
  out.member("plugin_version", "")
      .member("running_plugin_version", "v" BULLA_VERSION "+builtin.bulla")
      .member("running_sha256", "")
      .member("seal_wrap", config.seal_wrap)
      .member("type", config.type)
      .member("uuid", config.uuid)
      .end_object();
}

void write_public_mount_info(JsonWriter& out, const api::MountConfig& config) {
  out.begin_object().member("description", config.description);
  write_options(out, config);
  out.member("type", config.type).end_object();
}

std::string tune_json(const api::MountConfig& config, Seconds default_ttl,
                      Seconds max_ttl, const LockoutConfig& lockout) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  write_list(out, "allowed_managed_keys", config.allowed_managed_keys);
  write_list(out, "allowed_response_headers", config.allowed_response_headers);
  write_list(out, "audit_non_hmac_request_keys",
             config.audit_non_hmac_request_keys);
  write_list(out, "audit_non_hmac_response_keys",
             config.audit_non_hmac_response_keys);
  out.member("default_lease_ttl", default_ttl.count())
      .member("description", config.description)
      .member("force_no_cache", config.force_no_cache);
  write_text(out, "listing_visibility", config.listing_visibility);
  out.member("max_lease_ttl", max_ttl.count());
  if (!config.options.empty()) write_options(out, config);
  write_list(out, "passthrough_request_headers",
             config.passthrough_request_headers);
  if (config.is_auth) {
    out.member("token_type", config.token_type.empty()
                                 ? std::string("default-service")
                                 : config.token_type);
  }
  if (config.is_auth && !(lockout == LockoutConfig())) {
    write_lockout(out, lockout);
  }
  out.end_object();
  return json;
}

std::string mounts_json(const MountTable& table, bool is_auth) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  for (const auto& mount : table.all()) {
    if (mount->config.is_auth != is_auth) continue;
    out.key(shown_path(mount->config));
    write_mount_info(out, mount->config);
  }
  out.end_object();
  return json;
}

std::string mount_path(std::string_view path, bool is_auth) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return {};
  return std::string(is_auth ? kAuthPrefix : "") + std::string(path) + '/';
}

std::string_view shown_path(const api::MountConfig& config) {
  std::string_view path = config.path;
  if (config.is_auth && path.starts_with(kAuthPrefix)) {
    path.remove_prefix(kAuthPrefix.size());
  }
  return path;
}

}  // namespace bulla::server
