#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "audit/broker.h"
#include "audit/redact.h"

namespace bulla::audit {

/// The options that every type of device has.
struct DeviceOptions {
  bool hmac_accessor = true;  ///< Accessors are hashed too.
  bool log_raw = false;       ///< Nothing is hashed.
  bool elide_list_responses = false;
};

/// One place audit lines go to. Any thread.
class Device {
 public:
  Device(DeviceConfig config, DeviceOptions options, std::string_view salt)
      : config_(std::move(config)), options_(options), hasher_(salt) {}
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceConfig& config() const { return config_; }
  const DeviceOptions& options() const { return options_; }
  const ValueHasher& hasher() const { return hasher_; }

  /// Writes `lines` (whole ones, each with its newline). False unless all of
  /// them were taken; lines of two callers never mix.
  [[nodiscard]] virtual bool write(std::string_view lines) = 0;
  /// Opens anew what is written to, for rotation. On failure the old one is
  /// kept.
  ///   kInvalidArgument  it cannot be opened; the message says why.
  virtual Result<void> reopen() = 0;

 private:
  DeviceConfig config_;
  DeviceOptions options_;
  ValueHasher hasher_;
};

/// Builds and opens the device that `config` describes. `log` must outlive it.
///   kInvalidArgument  unknown type or option, a value that is none, or a file
///                     that cannot be opened.
Result<std::shared_ptr<Device>> make_device(DeviceConfig config,
                                            std::string_view salt,
                                            const Logger& log);

/// The common options of `config`; other options are left to the type.
///   kInvalidArgument  a value that is none, or an option that is refused.
Result<DeviceOptions> parse_device_options(const DeviceConfig& config);
/// Whether parse_device_options reads that option.
bool is_common_option(std::string_view name);

}  // namespace bulla::audit
