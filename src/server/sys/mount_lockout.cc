// The member user_lockout_config of a mount's settings.

#include <fmt/format.h>

#include "api/field_convert.h"
#include "server/login.h"
#include "server/sys/mount_settings.h"

namespace bulla::server {
namespace {

std::optional<JsonElement> member(const JsonObject& object,
                                  std::string_view name) {
  JsonElement element;
  if (object.at_key(name).get(element) || element.is_null()) {
    return std::nullopt;
  }
  return element;
}

Result<void> take_seconds(const JsonObject& object, std::string_view name,
                          Seconds& value) {
  const auto element = member(object, name);
  if (!element) return {};
  const auto seconds = api::json_to_duration(*element, false);
  if (!seconds) {
    return fail(invalid_argument(
        fmt::format("error parsing {}: {}", name, seconds.error().message())));
  }
  value = *seconds;
  return {};
}

}  // namespace

Result<void> apply_lockout(const JsonObject& object,
                           const api::MountConfig& config,
                           LockoutConfig& lockout) {
  if (!config.is_auth || !has_lockout(config.type)) {
    return fail(invalid_argument(
        fmt::format("tuning of user lockout configuration for auth type \"{}\" "
                    "not allowed",
                    config.type)));
  }
  if (const auto element = member(object, "lockout_threshold")) {
    const auto threshold = api::json_to_int(*element);
    if (!threshold || *threshold < 1) {
      return fail(invalid_argument(
          "error parsing lockout_threshold: expected a whole number from 1"));
    }
    lockout.threshold = static_cast<std::uint64_t>(*threshold);
  }
  TRY(take_seconds(object, "lockout_duration", lockout.duration));
  TRY(take_seconds(object, "lockout_counter_reset_duration",
                   lockout.counter_reset));
  if (const auto element = member(object, "lockout_disable")) {
    TRY_ASSIGN(lockout.disabled, api::json_to_bool(*element));
  }
  return {};
}

}  // namespace bulla::server
