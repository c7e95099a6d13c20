#include "server/sys/mount_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/field_convert.h"
#include "dek/dek_record.h"

namespace bulla::server {
namespace {

constexpr std::array<std::string_view, 3> kVisibilities{"", "hidden", "unauth"};
constexpr std::array<std::string_view, 4> kTokenTypes{
    "default-service", "default-batch", "service", "batch"};
constexpr std::size_t kListMax = 1000;
constexpr std::size_t kTextBytesMax = 512;

template <typename Words>
bool is_among(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What was sent, for an error's text.
std::string shown(const JsonElement& element) {
  const auto text = api::json_to_string(element);
  return text ? text->substr(0, kTextBytesMax) : std::string("value");
}

// "system" and "" are the system's own.
Result<void> take_ttl(const SettingSource& source, std::string_view name,
                      std::string_view word, Seconds& ttl) {
  const auto element = source(name);
  if (!element) return {};
  if (element->is_string()) {
    const std::string_view text = element->get_string().value_unsafe();
    if (text.empty() || text == "system") {
      ttl = Seconds{0};
      return {};
    }
  }
  const auto parsed = api::json_to_duration(*element, false);
  if (!parsed) {
    return fail(invalid_argument(fmt::format("unable to parse {} TTL of {}: {}",
                                             word, shown(*element),
                                             parsed.error().message())));
  }
  ttl = *parsed;
  return {};
}

Result<void> take_list(const SettingSource& source, std::string_view name,
                       std::vector<std::string>& list) {
  const auto element = source(name);
  if (!element) return {};
  auto values = api::json_to_strings(*element, true);
  if (!values) {
    return fail(std::move(values).error().with_context(
        fmt::format("error converting input for field \"{}\"", name)));
  }
  const bool too_long = std::any_of(
      values->begin(), values->end(),
      [](const std::string& value) { return value.size() > kTextBytesMax; });
  if (values->size() > kListMax || too_long) {
    return fail(invalid_argument(
        fmt::format("field \"{}\" is longer than this server keeps", name)));
  }
  list = std::move(*values);
  return {};
}

Result<void> take_visibility(const SettingSource& source,
                             api::MountConfig& config) {
  const auto element = source("listing_visibility");
  if (!element) return {};
  TRY_ASSIGN(const std::string value, api::json_to_string(*element));
  if (!is_among(kVisibilities, value)) {
    return fail(invalid_argument(
        fmt::format("invalid listing_visibility {}", shown(*element))));
  }
  config.listing_visibility = value;
  return {};
}

Result<void> take_token_type(const SettingSource& source,
                             api::MountConfig& config) {
  const auto element = source("token_type");
  if (!element) return {};
  TRY_ASSIGN(const std::string value, api::json_to_string(*element));
  if (value.empty() && !config.is_auth) return {};
  if (!config.is_auth) {
    return fail(
        invalid_argument("'token_type' can only be modified on auth mounts"));
  }
  if (config.type == "token") {
    return fail(invalid_argument(
        "'token_type' cannot be set for 'token' or 'ns_token' auth mounts"));
  }
  if (!value.empty() && !is_among(kTokenTypes, value)) {
    return fail(invalid_argument("invalid value for 'token_type'"));
  }
  config.token_type = value;
  return {};
}

// An engine's records stay with the version and the scope they were made for;
// only from version 1 to 2 there is a way.
Result<void> check_kv_option(std::string_view name, std::string_view value,
                             const api::MountConfig& config) {
  const auto held = config.options.find(std::string(name));
  const bool made = !config.uuid.empty();
  if (name == "dek_scope" && made) {
    const std::string_view scope =
        held == config.options.end() || held->second.empty()
            ? std::string_view("default")
            : std::string_view(held->second);
    if (value == scope) return {};
    return fail(
        invalid_argument("dek_scope is settled when the engine is mounted"));
  }
  if (name == "dek_scope" && !value.empty()) {
    return dek::check_text(name, value, dek::DekInfo::kScopeBytesMax);
  }
  if (name == "record_type" && !value.empty()) {
    return dek::check_text(name, value, kTextBytesMax);
  }
  if (name != "version") return {};
  if (value != "1" && value != "2") {
    return fail(
        invalid_argument(fmt::format("invalid version provided: {}", value)));
  }
  if (made && value == "1" && held != config.options.end() &&
      held->second == "2") {
    return fail(invalid_argument("cannot downgrade mount from version 2"));
  }
  return {};
}

Result<void> take_options(const SettingSource& source,
                          api::MountConfig& config) {
  const auto element = source("options");
  if (!element) return {};
  TRY_ASSIGN(auto pairs, api::json_to_pairs(*element));
  for (auto& [name, value] : pairs) {
    if (name.size() > kTextBytesMax || value.size() > kTextBytesMax) {
      return fail(invalid_argument("an option is longer than 512 bytes"));
    }
    // As in OpenBao, where only kv has versions.
    if (name == "version" && config.type != "kv") {
      return fail(invalid_argument(
          fmt::format("secrets engine \"{}\" does not allow setting a version",
                      config.type)));
    }
    if (config.type == "kv") TRY(check_kv_option(name, value, config));
    config.options[name] = std::move(value);
  }
  if (config.options.size() > kListMax) {
    return fail(invalid_argument("too many options"));
  }
  return {};
}

}  // namespace

Result<void> apply_mount_settings(const SettingSource& source,
                                  api::MountConfig& config) {
  TRY(take_ttl(source, "default_lease_ttl", "default",
               config.default_lease_ttl));
  TRY(take_ttl(source, "max_lease_ttl", "max", config.max_lease_ttl));
  TRY(take_visibility(source, config));
  TRY(take_token_type(source, config));
  TRY(take_options(source, config));
  TRY(take_list(source, "audit_non_hmac_request_keys",
                config.audit_non_hmac_request_keys));
  TRY(take_list(source, "audit_non_hmac_response_keys",
                config.audit_non_hmac_response_keys));
  TRY(take_list(source, "passthrough_request_headers",
                config.passthrough_request_headers));
  TRY(take_list(source, "allowed_response_headers",
                config.allowed_response_headers));
  TRY(take_list(source, "allowed_managed_keys", config.allowed_managed_keys));
  if (const auto element = source("force_no_cache")) {
    TRY_ASSIGN(config.force_no_cache, api::json_to_bool(*element));
  }
  return {};
}

std::vector<api::Field> mount_setting_fields() {
  using api::FieldType;
  return {
      {"default_lease_ttl", FieldType::kString,
       "The default time to live of what is issued; \"system\" resets it."},
      {"max_lease_ttl", FieldType::kString,
       "The most it may live; \"system\" resets it."},
      {"options", FieldType::kKvPairs, "Options of the engine."},
      {"listing_visibility", FieldType::kString,
       "\"unauth\" shows the mount to clients without a token.", "hidden"},
      {"audit_non_hmac_request_keys", FieldType::kCommaStringSlice,
       "Request keys that audit lines show as they are."},
      {"audit_non_hmac_response_keys", FieldType::kCommaStringSlice,
       "Response keys that audit lines show as they are."},
      {"passthrough_request_headers", FieldType::kCommaStringSlice,
       "Request headers the engine gets to see."},
      {"allowed_response_headers", FieldType::kCommaStringSlice,
       "Response headers the engine may set."},
      {"allowed_managed_keys", FieldType::kCommaStringSlice,
       "Managed keys the engine may use, besides those of any mount."},
      {"force_no_cache", FieldType::kBool, "Kept for compatibility.", "false"},
      {"token_type", FieldType::kString,
       "The kind of token an auth method issues.", "default-service"},
      {"plugin_version", FieldType::kString,
       "Must be empty: every engine is built in."},
      {"user_lockout_config", FieldType::kMap,
       "When names that fail to log in are locked."},
  };
}

}  // namespace bulla::server
