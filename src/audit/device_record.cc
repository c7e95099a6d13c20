#include "audit/device_record.h"

#include <algorithm>

#include "base/wire.h"

namespace bulla::audit {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kWhat = "the list of audit devices";

void write_device(WireWriter& out, const DeviceConfig& device) {
  out.text(device.path).text(device.type).text(device.description);
  out.boolean(device.local);
  out.u32(static_cast<std::uint32_t>(device.options.size()));
  for (const auto& [name, value] : device.options) out.text(name).text(value);
}

Result<DeviceConfig> read_device(WireReader& in) {
  DeviceConfig device;
  device.path = in.text();
  device.type = in.text();
  device.description = in.text();
  device.local = in.boolean();
  const std::uint32_t options = in.u32();
  if (options > kDeviceOptionsMax) {
    return fail(corrupt("the list of audit devices has too many options"));
  }
  for (std::uint32_t i = 0; i < options && !in.failed(); ++i) {
    const std::string name(in.text());
    // Sorted and each once, so that one list has one form.
    if (!device.options.empty() && device.options.rbegin()->first >= name) {
      return fail(corrupt("the list of audit devices is out of order"));
    }
    device.options.emplace(name, in.text());
  }
  if (in.failed()) return fail(in.finish(kWhat).error());
  if (!check_device_limits(device)) {
    return fail(corrupt("the list of audit devices passes a limit"));
  }
  return device;
}

}  // namespace

Result<void> check_device_limits(const DeviceConfig& config) {
  const auto fits = [](const std::string& text) {
    return text.size() <= kDeviceTextBytesMax;
  };
  const bool options_fit = std::all_of(
      config.options.begin(), config.options.end(), [&](const auto& option) {
        return fits(option.first) && fits(option.second);
      });
  if (options_fit && config.options.size() <= kDeviceOptionsMax &&
      fits(config.path) && fits(config.type) && fits(config.description)) {
    return {};
  }
  return fail(invalid_argument(
      "an audit device's settings are longer than 4096 bytes each, or more "
      "than 32"));
}

SecretBytes serialize_devices(const std::vector<DeviceConfig>& devices) {
  WireWriter out;
  out.u8(kVersion).u32(static_cast<std::uint32_t>(devices.size()));
  for (const DeviceConfig& device : devices) write_device(out, device);
  return std::move(out).finish();
}

Result<std::vector<DeviceConfig>> parse_devices(ByteView bytes) {
  WireReader in(bytes);
  const std::uint8_t version = in.u8();
  const std::uint32_t count = in.u32();
  if (in.failed() || version != kVersion || count > kDevicesMax) {
    return fail(corrupt("the list of audit devices has an unknown form"));
  }
  std::vector<DeviceConfig> devices;
  for (std::uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(DeviceConfig device, read_device(in));
    devices.push_back(std::move(device));
  }
  TRY(in.finish(kWhat));
  return devices;
}

}  // namespace bulla::audit
