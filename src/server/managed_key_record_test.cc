#include "server/managed_key_record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::server {
namespace {

ManagedKeyRecord sample() {
  ManagedKeyRecord record;
  record.name = "k";
  record.id = "id";
  record.parameters = {{"a", "1"}, {"b", "2"}};
  record.pin = SecretBytes::copy_of(as_bytes("pin"));
  record.any_mount = true;
  record.usages = {"sign"};
  return record;
}

// docs/formats/managed-key.md, byte for byte.
constexpr std::string_view kGolden =
    "01"
    "000000016b"
    "000000026964"
    "00000002"
    "0000000161"
    "0000000131"
    "0000000162"
    "0000000132"
    "0000000370696e"
    "01"
    "00000001"
    "000000047369676e";

TEST(ManagedKeyRecordTest, GoldenBytes) {
  EXPECT_EQ(hex_encode(encode(sample()).expose()), kGolden);
  const auto back = decode_managed_key(hex_decode(kGolden).value());
  ASSERT_TRUE(back);
  EXPECT_EQ(hex_encode(encode(*back).expose()), kGolden);
  EXPECT_EQ(back->parameters.at("b"), "2");
  EXPECT_TRUE(back->any_mount);
}

TEST(ManagedKeyRecordTest, RefusesWhatItWouldNotWrite) {
  const Bytes golden = hex_decode(kGolden).value();
  for (std::size_t size = 0; size < golden.size(); ++size) {
    EXPECT_FALSE(decode_managed_key(ByteView(golden).first(size))) << size;
  }
  Bytes longer = golden;
  longer.push_back(0);
  EXPECT_FALSE(decode_managed_key(longer));
  Bytes format = golden;
  format.front() = 2;
  EXPECT_FALSE(decode_managed_key(format));
  ManagedKeyRecord nameless = sample();
  nameless.name.clear();
  EXPECT_FALSE(decode_managed_key(encode(nameless).expose()));
  ManagedKeyRecord empty = sample();
  empty.parameters["a"] = "";
  EXPECT_FALSE(decode_managed_key(encode(empty).expose()));
  ManagedKeyRecord unsorted = sample();
  unsorted.usages = {"verify", "sign"};
  EXPECT_FALSE(decode_managed_key(encode(unsorted).expose()));
}

}  // namespace
}  // namespace bulla::server
