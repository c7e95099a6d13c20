#include <fmt/format.h>

#include <array>

#include "server/sys/handlers.h"
#include "server/sys/mount_actions.h"
#include "server/sys/mount_info.h"
#include "server/sys/mount_settings.h"

namespace bulla::server {
namespace {

constexpr std::size_t kDescriptionBytesMax = 4096;
constexpr std::array<std::string_view, 4> kUntunable{"sys/", "cubbyhole/",
                                                     "identity/", "audit/"};

std::shared_ptr<const Mount> find(Core& core, const std::string& path) {
  return core.mounts().at(path);
}

// Of the system's own mounts only what audit shows can be changed.
Result<void> check_tunable(const api::Fields& fields, std::string_view path) {
  if (std::find(kUntunable.begin(), kUntunable.end(), path) ==
      kUntunable.end()) {
    return {};
  }
  for (const api::Field& field : mount_setting_fields()) {
    if (!fields.has(field.name)) continue;
    if (field.name.starts_with("audit_non_hmac_")) continue;
    return fail(invalid_argument(
        fmt::format("cannot tune parameter {} of {}", field.name, path)));
  }
  if (fields.has("description")) {
    return fail(invalid_argument(
        fmt::format("cannot tune parameter description of {}", path)));
  }
  return {};
}

bool is_kv_version_2(const api::MountConfig& config) {
  const auto version = config.options.find("version");
  return config.type == "kv" && version != config.options.end() &&
         version->second == "2";
}

Result<void> edit(const api::Fields& fields, api::MountConfig& config) {
  if (!fields.text("plugin_version").empty()) {
    return fail(invalid_argument(fmt::format(
        "plugin version not found in the catalog: {}", config.type)));
  }
  if (fields.has("description")) {
    const std::string_view text = fields.text("description");
    if (text.size() > kDescriptionBytesMax) {
      return fail(invalid_argument("description is longer than 4096 bytes"));
    }
    config.description = text;
  }
  // Stock clients send "" for a time that was not given.
  const SettingSource source =
      [&](std::string_view name) -> std::optional<JsonElement> {
    if (name.ends_with("_lease_ttl") && fields.text(name).empty()) {
      return std::nullopt;
    }
    return fields.has(name) ? fields.raw(name) : std::nullopt;
  };
  TRY(apply_mount_settings(source, config));
  const Seconds most = config.max_lease_ttl;
  if (most == Seconds{0} || config.default_lease_ttl <= most) return {};
  return fail(invalid_argument(
      fmt::format("backend max lease TTL of {} would be less than backend "
                  "default lease TTL of {}",
                  most.count(), config.default_lease_ttl.count())));
}

Result<std::optional<LockoutConfig>> tuned_lockout(Core& core,
                                                   const api::Fields& fields,
                                                   const Mount& mount) {
  const auto object = fields.object("user_lockout_config");
  if (!object) return std::optional<LockoutConfig>();
  LockoutConfig lockout = core.lockouts().config(mount.config.accessor);
  TRY(apply_lockout(*object, mount.config, lockout));
  return std::optional(lockout);
}

}  // namespace

Result<api::Response> read_tuning(Core& core, const std::string& path) {
  const auto mount = find(core, path);
  if (!mount) {
    return fail(invalid_argument(
        fmt::format("cannot fetch sysview for path \"{}\"", path)));
  }
  const ServerConfig& system = core.config();
  const api::MountConfig& config = mount->config;
  const Seconds max_ttl = config.max_lease_ttl.count() != 0
                              ? config.max_lease_ttl
                              : system.max_lease_ttl;
  const Seconds default_ttl = config.default_lease_ttl.count() != 0
                                  ? config.default_lease_ttl
                                  : system.default_lease_ttl;
  return duplicated(tune_json(config, default_ttl, max_ttl,
                              core.lockouts().config(config.accessor)));
}

Result<api::Response> write_tuning(Core& core, const api::Request& request,
                                   const std::string& path) {
  const auto mount = find(core, path);
  if (!mount) {
    return fail(invalid_argument(
        fmt::format("tune of path \"{}\" failed: no mount entry found", path)));
  }
  TRY(check_tunable(request.fields, path));
  TRY_ASSIGN(const auto lockout, tuned_lockout(core, request.fields, *mount));
  bool upgraded = false;
  const auto change = [&](api::MountConfig& config) -> Result<void> {
    const bool was = is_kv_version_2(config);
    TRY(edit(request.fields, config));
    upgraded = !was && is_kv_version_2(config);
    return {};
  };
  TRY(core.mounts().tune(path, change));
  if (lockout) {
    TRY(core.lockouts().configure(mount->config.accessor, *lockout));
  }
  if (!upgraded) return api::Response::none();
  return api::Response::none().warn(
      "Upgrading mount from version 1 to version 2. This mount will be "
      "unavailable for a brief period and will resume service shortly.");
}

}  // namespace bulla::server
