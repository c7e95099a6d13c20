#include "server/sys/mount_actions.h"

#include <fmt/format.h>

#include <array>

#include "server/sys/mount_info.h"
#include "server/sys/mount_settings.h"

namespace bulla::server {
namespace {

constexpr std::size_t kPathBytesMax = 200;
constexpr std::size_t kDescriptionBytesMax = 4096;

// Kinds of which there is exactly one, at its own path.
constexpr std::array<std::string_view, 4> kSingletons{"cubbyhole", "system",
                                                      "token", "identity"};

Result<void> check_type(std::string_view type, bool is_auth) {
  if (type.empty()) {
    return fail(invalid_argument("backend type must be specified as a string"));
  }
  if (is_auth && type == "token") {
    return fail(
        invalid_argument("token credential backend cannot be instantiated"));
  }
  for (const std::string_view singleton : kSingletons) {
    if (type != singleton) continue;
    return fail(invalid_argument(
        fmt::format("mount type of \"{}\" is not mountable", type)));
  }
  return {};
}

Result<void> check_path(const std::string& path) {
  if (path.empty()) return fail(invalid_argument("path must be specified"));
  if (path.size() > kPathBytesMax) {
    return fail(invalid_argument("path is longer than 200 bytes"));
  }
  return {};
}

// "plugin" with a plugin_name is the old way to say that name.
Result<void> settle_type(const api::Request& request,
                         const std::optional<JsonObject>& settings,
                         api::MountConfig& config) {
  config.type = request.fields.text("type");
  if (config.type == "plugin") {
    std::string_view name = request.fields.text("plugin_name");
    JsonElement nested;
    if (name.empty() && settings &&
        !settings->at_key("plugin_name").get(nested)) {
      if (nested.get(name)) name = {};
    }
    if (name.empty()) {
      return fail(
          invalid_argument("plugin_name must be provided for plugin backend"));
    }
    config.type = name;
  }
  return {};
}

// The kv aliases are kv at a version, whatever the options say of it.
std::optional<std::string> settle_alias(api::MountConfig& config) {
  if (config.is_auth) return std::nullopt;
  std::optional<std::string> version;
  if (config.type == "kv-v1" || config.type == "generic") version = "1";
  if (config.type == "kv-v2") version = "2";
  if (version) config.type = "kv";
  return version;
}

Result<void> check_ttls(const api::MountConfig& config, Seconds system_max) {
  const Seconds most = config.max_lease_ttl;
  if (most != Seconds{0} && config.default_lease_ttl > most) {
    return fail(invalid_argument(
        "given default lease TTL greater than given max lease TTL"));
  }
  if (most == Seconds{0} && config.default_lease_ttl > system_max) {
    return fail(invalid_argument(fmt::format(
        "given default lease TTL greater than system max lease TTL of {}",
        system_max.count())));
  }
  return {};
}

SettingSource source_of(const std::optional<JsonObject>& settings) {
  return [&settings](std::string_view name) -> std::optional<JsonElement> {
    JsonElement element;
    if (!settings || settings->at_key(name).get(element)) return std::nullopt;
    if (element.is_null()) return std::nullopt;
    return element;
  };
}

Result<api::MountConfig> config_of(Core& core, const api::Request& request,
                                   bool is_auth) {
  const std::optional<JsonObject> settings = request.fields.object("config");
  api::MountConfig config;
  config.is_auth = is_auth;
  config.path = mount_path(request.param("path"), is_auth);
  TRY(check_path(config.path));
  TRY(settle_type(request, settings, config));
  const auto version = settle_alias(config);
  TRY(check_type(config.type, is_auth));
  const SettingSource own = [&](std::string_view name) {
    return name == "options" ? request.fields.raw(name) : std::nullopt;
  };
  TRY(apply_mount_settings(own, config));
  if (!request.fields.text("plugin_version").empty()) {
    return fail(invalid_argument(fmt::format(
        "plugin version not found in the catalog: {}", config.type)));
  }
  config.description = request.fields.text("description");
  if (config.description.size() > kDescriptionBytesMax) {
    return fail(invalid_argument("description is longer than 4096 bytes"));
  }
  config.local = request.fields.boolean("local");
  config.seal_wrap = request.fields.boolean("seal_wrap");
  config.external_entropy_access =
      request.fields.boolean("external_entropy_access");
  TRY(apply_mount_settings(source_of(settings), config));
  if (version) config.options["version"] = *version;
  TRY(check_ttls(config, core.config().max_lease_ttl));
  return config;
}

Result<std::optional<LockoutConfig>> lockout_of(
    const api::Request& request, const api::MountConfig& config) {
  const auto element =
      source_of(request.fields.object("config"))("user_lockout_config");
  if (!element || !element->is_object()) {
    return std::optional<LockoutConfig>();
  }
  LockoutConfig lockout;
  TRY(apply_lockout(JsonObject(*element), config, lockout));
  return std::optional(lockout);
}

}  // namespace

Result<api::Response> enable_mount(Core& core, const api::Request& request,
                                   bool is_auth) {
  TRY_ASSIGN(api::MountConfig config, config_of(core, request, is_auth));
  TRY_ASSIGN(const auto lockout, lockout_of(request, config));
  const std::string path = config.path;
  TRY(core.mounts().mount(std::move(config)));
  const auto mount = core.mounts().at(path);
  if (lockout && mount) {
    TRY(core.lockouts().configure(mount->config.accessor, *lockout));
  }
  return api::Response::none();
}

Result<api::Response> disable_mount(Core& core, const api::Request& request,
                                    bool is_auth) {
  const std::string path = mount_path(request.param("path"), is_auth);
  if (is_auth && path == "auth/token/") {
    return fail(
        invalid_argument("token credential backend cannot be disabled"));
  }
  // sys/auth is the way to auth methods, and asks for more.
  if (!is_auth) TRY(check_reserved(path, "unmount"));
  // Before, so that a crash leaves what can be disabled again, and after, so
  // that a login in between gains nothing.
  const auto mount = core.mounts().at(path);
  if (!mount) return api::Response::none();
  if (is_auth) TRY(core.tokens().revoke_made_at(path));
  TRY(core.mounts().unmount(path));
  if (is_auth) {
    TRY(core.tokens().revoke_made_at(path));
    TRY(core.lockouts().drop(mount->config.accessor));
  }
  return api::Response::none();
}

Result<api::Response> read_mount(Core& core, const api::Request& request,
                                 bool is_auth) {
  const std::string path = mount_path(request.param("path"), is_auth);
  const auto mount = core.mounts().at(path);
  if (!mount || mount->config.is_auth != is_auth) {
    return fail(invalid_argument(fmt::format(
        "No {} engine{} at {}", is_auth ? "auth" : "secret",
        is_auth ? "" : " mount", mount_path(request.param("path"), false))));
  }
  std::string json;
  JsonWriter out(json);
  write_mount_info(out, mount->config);
  return duplicated(std::move(json));
}

std::optional<std::string_view> tuned_path(std::string_view captured) {
  constexpr std::string_view kSuffix = "/tune";
  if (!captured.ends_with(kSuffix) || captured.size() == kSuffix.size()) {
    return std::nullopt;
  }
  captured.remove_suffix(kSuffix.size());
  return captured;
}

std::vector<api::Field> mount_fields() {
  using api::FieldType;
  std::vector<api::Field> fields{
      {"path", FieldType::kString, "Where it is mounted."},
      {"type", FieldType::kString, "The type of the engine.", {}, true},
      {"description", FieldType::kString, "A description for people."},
      {"config", FieldType::kMap, "The settings that …/tune also takes."},
      {"local", FieldType::kBool, "Not replicated.", "false"},
      {"seal_wrap", FieldType::kBool, "Kept for compatibility.", "false"},
      {"external_entropy_access", FieldType::kBool, "Kept for compatibility.",
       "false"},
      {"plugin_name", FieldType::kString, "The type, for type \"plugin\"."},
  };
  for (api::Field& field : mount_setting_fields()) fields.push_back(field);
  return fields;
}

}  // namespace bulla::server
