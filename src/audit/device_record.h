#pragma once

#include <vector>

#include "audit/broker.h"

namespace bulla::audit {

constexpr std::size_t kDevicesMax = 16;
constexpr std::size_t kDeviceOptionsMax = 32;
constexpr std::size_t kDeviceTextBytesMax = 4096;

/// The enabled devices as they are kept in the barrier
/// (docs/formats/audit.md). What parses serialises to the same bytes.
SecretBytes serialize_devices(const std::vector<DeviceConfig>& devices);
/// kCorrupt  not such a record, or a limit above is passed.
Result<std::vector<DeviceConfig>> parse_devices(ByteView bytes);

/// kInvalidArgument  a text of `config` is too long, or it has too many
///                   options.
Result<void> check_device_limits(const DeviceConfig& config);

}  // namespace bulla::audit
