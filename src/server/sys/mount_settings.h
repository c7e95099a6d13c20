#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "server/lockout.h"

namespace bulla::server {

/// Gives a setting of a request by its name: from the body of a tune, from the
/// `config` object of a mount. Absent and null are the same.
using SettingSource =
    std::function<std::optional<JsonElement>(std::string_view name)>;

/// Takes every setting that `source` has over to `config`, whose type, is_auth
/// and path are set. Shared by mounting and tuning, which compare the times
/// each in its own words.
///   kInvalidArgument  the texts of reference/sys.md §5.
Result<void> apply_mount_settings(const SettingSource& source,
                                  api::MountConfig& config);

/// Takes what an object `user_lockout_config` has over to `lockout`.
///   kInvalidArgument  this type of mount has none, or a value is none.
Result<void> apply_lockout(const JsonObject& object,
                           const api::MountConfig& config,
                           LockoutConfig& lockout);

/// The settings as fields of a route, for validation and documents.
std::vector<api::Field> mount_setting_fields();

}  // namespace bulla::server
