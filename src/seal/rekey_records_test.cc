// The records that rekeys leave, byte by byte (docs/formats/seal.md).

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "seal/former.h"
#include "seal/keyring_rotation.h"
#include "seal/share_backup.h"

namespace bulla::seal {
namespace {

template <typename Record>
void expect_bytes(const Record& record, std::string_view hex) {
  const Bytes bytes = record.serialise();
  EXPECT_EQ(hex_encode(bytes), hex);
  const auto parsed = Record::parse(bytes);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, record);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Record::parse(ByteView(bytes).first(size))) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(Record::parse(longer));
  Bytes other = bytes;
  other[0] = 2;
  EXPECT_FALSE(Record::parse(other)) << "another format";
}

TEST(RekeyRecords, FormerUnseal) {
  expect_bytes(FormerUnseal{"f", "p"},
               "01"
               "0000000166"
               "0000000170");
  EXPECT_FALSE(FormerUnseal::parse(FormerUnseal{"", "p"}.serialise()));
  EXPECT_FALSE(FormerUnseal::parse(
      FormerUnseal{"f", std::string(257, 'p')}.serialise()));
}

TEST(RekeyRecords, FormerRecovery) {
  expect_bytes(FormerRecovery{3, 2, Bytes(32, 0xcd)},
               "01"
               "00000003"
               "00000002"
               "00000020"
               "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
               "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
  EXPECT_TRUE(FormerRecovery::parse(FormerRecovery{}.serialise())->none());
  for (const auto& impossible :
       {FormerRecovery{2, 3, Bytes(32)}, FormerRecovery{0, 0, Bytes(32)},
        FormerRecovery{256, 2, Bytes(32)}, FormerRecovery{3, 2, Bytes(31)}}) {
    EXPECT_FALSE(FormerRecovery::parse(impossible.serialise()));
  }
}

TEST(RekeyRecords, ShareBackup) {
  expect_bytes(ShareBackup{"n", {{"aa", Bytes{1, 2}}, {"bb", Bytes{3}}}},
               "01"
               "000000016e"
               "00000002"
               "000000026161"
               "000000020102"
               "000000026262"
               "0000000103");
  EXPECT_FALSE(ShareBackup::parse(ShareBackup{"n", {}}.serialise()));
  EXPECT_FALSE(ShareBackup::parse(
      ShareBackup{"n", {{"aa", Bytes(ShareBackup::kMessageBytesMax + 1)}}}
          .serialise()));
}

TEST(RekeyRecords, RotationConfig) {
  RotationConfig config;
  config.interval = Seconds{86'400};
  expect_bytes(config,
               "01"
               "01"
               "00000000e6666666"
               "0000000000015180");
}

}  // namespace
}  // namespace bulla::seal
