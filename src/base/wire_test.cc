#include "base/wire.h"

#include <gtest/gtest.h>

#include <random>

#include "base/encoding.h"

namespace bulla {
namespace {

TEST(Wire, WritesTheDocumentedBytes) {
  WireWriter writer;
  writer.u8(7)
      .u32(0x01020304)
      .u64(5)
      .i64(-1)
      .boolean(true)
      .text("ab")
      .bytes({});
  EXPECT_EQ(hex_encode(writer.view()),
            "07"
            "01020304"
            "0000000000000005"
            "ffffffffffffffff"
            "01"
            "000000026162"
            "00000000");
}

TEST(Wire, RoundTrips) {
  const Bytes large(100'000, 0x5A);
  WireWriter writer;
  writer.u8(255).u32(4'000'000'000).u64(~0ULL).i64(-42).boolean(false);
  writer.bytes(large).text("name");
  const SecretBytes record = std::move(writer).finish();
  WireReader reader(record.expose());
  EXPECT_EQ(reader.u8(), 255);
  EXPECT_EQ(reader.u32(), 4'000'000'000U);
  EXPECT_EQ(reader.u64(), ~0ULL);
  EXPECT_EQ(reader.i64(), -42);
  EXPECT_FALSE(reader.boolean());
  EXPECT_EQ(to_bytes(reader.bytes()), large);
  EXPECT_EQ(reader.text(), "name");
  EXPECT_TRUE(reader.finish("record").has_value());
}

TEST(Wire, EveryTruncationFails) {
  WireWriter writer;
  writer.u8(1).u32(2).u64(3).boolean(true).text("four");
  const SecretBytes record = std::move(writer).finish();
  for (std::size_t size = 0; size < record.size(); ++size) {
    WireReader reader(record.expose().first(size));
    reader.u8();
    reader.u32();
    reader.u64();
    reader.boolean();
    reader.text();
    const auto done = reader.finish("keyring");
    ASSERT_FALSE(done.has_value()) << size;
    EXPECT_EQ(done.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(done.error().message(), "keyring: the record is cut short");
  }
}

TEST(Wire, LeftOverBytesFail) {
  const Bytes record{1, 2, 3};
  WireReader reader(record);
  reader.u8();
  EXPECT_EQ(reader.remaining(), 2U);
  EXPECT_EQ(reader.finish("token").error().message(),
            "token: 2 bytes are left over after the record");
}

TEST(Wire, AFailureStays) {
  const Bytes record{0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4};
  WireReader reader(record);
  EXPECT_TRUE(reader.bytes().empty());
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.finish("record").has_value());
}

TEST(Wire, ABooleanIsZeroOrOne) {
  const Bytes record{2};
  WireReader reader(record);
  EXPECT_FALSE(reader.boolean());
  EXPECT_TRUE(reader.failed());
}

TEST(Wire, RandomBytesNeverReadPastTheEnd) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 2000; ++round) {
    Bytes record(random() % 40);
    for (auto& byte : record) byte = static_cast<std::uint8_t>(random() % 8);
    WireReader reader(record);
    while (!reader.failed() && reader.remaining() > 0) {
      if (random() % 2 == 0)
        reader.bytes();
      else
        reader.u8();
    }
    EXPECT_EQ(reader.finish("record").has_value(), !reader.failed());
  }
}

}  // namespace
}  // namespace bulla
