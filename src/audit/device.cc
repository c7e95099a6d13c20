#include "audit/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/field.h"
#include "audit/file_device.h"

namespace bulla::audit {
namespace {

constexpr std::array<std::string_view, 5> kCommonOptions{
    "format", "hmac_accessor", "log_raw", "elide_list_responses", "prefix"};

Result<void> read_bool(const DeviceConfig& config, const char* name,
                       bool& value) {
  const auto found = config.options.find(name);
  if (found == config.options.end()) return {};
  const auto parsed = api::text_to_bool(found->second);
  if (!parsed) {
    return fail(invalid_argument(
        fmt::format("audit option {:?} must be \"true\" or \"false\"", name)));
  }
  value = *parsed;
  return {};
}

// A prefix would let whoever enables a device choose the first bytes of a file.
Result<void> check_refused(const DeviceConfig& config) {
  if (const auto it = config.options.find("prefix");
      it != config.options.end() && !it->second.empty()) {
    return fail(invalid_argument(
        "audit option \"prefix\" is not supported: lines are JSON only"));
  }
  const auto format = config.options.find("format");
  if (format == config.options.end() || format->second == "json") return {};
  return fail(invalid_argument(fmt::format(
      "audit format {:?} is not supported: the format must be \"json\"",
      format->second)));
}

}  // namespace

bool is_common_option(std::string_view name) {
  return std::find(kCommonOptions.begin(), kCommonOptions.end(), name) !=
         kCommonOptions.end();
}

Result<DeviceOptions> parse_device_options(const DeviceConfig& config) {
  TRY(check_refused(config));
  DeviceOptions options;
  TRY(read_bool(config, "hmac_accessor", options.hmac_accessor));
  TRY(read_bool(config, "log_raw", options.log_raw));
  TRY(read_bool(config, "elide_list_responses", options.elide_list_responses));
  return options;
}

Result<std::shared_ptr<Device>> make_device(DeviceConfig config,
                                            std::string_view salt,
                                            const Logger& log) {
  if (config.type == "file") {
    return FileDevice::open(std::move(config), salt, log);
  }
  return fail(invalid_argument(
      fmt::format("unknown backend type: {:?}: use \"file\"", config.type)));
}

}  // namespace bulla::audit
