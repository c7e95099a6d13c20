#include "audit/device_record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::audit {
namespace {

std::vector<DeviceConfig> example() {
  DeviceConfig device;
  device.path = "file/";
  device.type = "file";
  device.description = "d";
  device.local = true;
  device.options = {{"file_path", "/a"}, {"mode", "0600"}};
  return {device};
}

TEST(DeviceRecord, GoldenVector) {
  EXPECT_EQ(hex_encode(serialize_devices(example()).expose()),
            "0100000001"
            "0000000566696c652f"
            "0000000466696c65"
            "0000000164"
            "01"
            "00000002"
            "0000000966696c655f70617468000000022f61"
            "000000046d6f64650000000430363030");
}

TEST(DeviceRecord, ComesBackAsItWas) {
  const auto record = serialize_devices(example());
  const auto devices = parse_devices(record.expose());
  ASSERT_TRUE(devices);
  ASSERT_EQ(devices->size(), 1U);
  EXPECT_EQ((*devices)[0].path, "file/");
  EXPECT_EQ((*devices)[0].type, "file");
  EXPECT_EQ((*devices)[0].description, "d");
  EXPECT_TRUE((*devices)[0].local);
  EXPECT_EQ((*devices)[0].options.at("file_path"), "/a");
  EXPECT_EQ(serialize_devices(*devices), record);
}

TEST(DeviceRecord, EveryTruncationIsCorrupt) {
  const auto record = serialize_devices(example());
  for (std::size_t n = 0; n < record.size(); ++n) {
    const auto devices = parse_devices(record.expose().first(n));
    ASSERT_FALSE(devices) << n;
    EXPECT_EQ(devices.error().code(), ErrorCode::kCorrupt);
  }
  Bytes longer = to_bytes(record.expose());
  longer.push_back(0);
  EXPECT_FALSE(parse_devices(longer));
}

TEST(DeviceRecord, LimitsHold) {
  std::vector<DeviceConfig> many(kDevicesMax + 1);
  EXPECT_FALSE(parse_devices(serialize_devices(many).expose()));
  DeviceConfig wide;
  for (std::size_t i = 0; i <= kDeviceOptionsMax; ++i) {
    wide.options[std::to_string(i)] = "x";
  }
  EXPECT_FALSE(check_device_limits(wide));
  EXPECT_FALSE(parse_devices(serialize_devices({wide}).expose()));
  DeviceConfig deep;
  deep.description.assign(kDeviceTextBytesMax + 1, 'x');
  EXPECT_FALSE(check_device_limits(deep));
  EXPECT_FALSE(parse_devices(serialize_devices({deep}).expose()));
}

TEST(DeviceRecord, OptionsOutOfOrderAreCorrupt) {
  Bytes bytes = to_bytes(serialize_devices(example()).expose());
  const std::string text = to_text(bytes);
  const std::size_t at = text.find("mode");
  bytes[at] = 'a';  // "aode" sorts before "file_path"
  EXPECT_FALSE(parse_devices(bytes));
}

}  // namespace
}  // namespace bulla::audit
