#include "dek/dek_record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::dek {
namespace {

constexpr std::string_view kId = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9";

DekInfo info() {
  DekInfo info;
  info.id = kId;
  info.name = "payroll";
  info.description = "d";
  info.algorithm = Algorithm::kAesGcm128;
  info.scope = "default";
  info.status = Status::kDeprecated;
  info.created_at = from_unix_nanos(1);
  info.updated_at = from_unix_nanos(2);
  info.version = 3;
  return info;
}

TEST(DekRecord, HasItsGoldenBytes) {
  const std::string id = hex_encode(as_bytes(kId));
  EXPECT_EQ(hex_encode(info().serialise().expose()),
            "01"
            "00000024" +
                id +
                "00000007706179726f6c6c"
                "0000000164"
                "02"
                "0000000764656661756c74"
                "02"
                "0000000000000001"
                "0000000000000002"
                "0000000000000003");
  KeyRing ring;
  ring.add({std::string(kId), Algorithm::kAesGcm128, SecretBytes(16)});
  EXPECT_EQ(hex_encode(ring.serialise().expose()),
            "01"
            "00000001"
            "00000024" +
                id +
                "02"
                "00000010"
                "00000000000000000000000000000000");
  EXPECT_EQ(hex_encode(CountRecord{4096}.serialise().expose()),
            "010000000000001000");
}

TEST(DekRecord, ComesBackAsItWas) {
  const auto parsed = DekInfo::parse(info().serialise().expose());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, info());
  EXPECT_EQ(CountRecord::parse(CountRecord{7}.serialise().expose())->ceiling,
            7U);
  KeyRing ring;
  ring.add({"1" + std::string(kId.substr(1)), Algorithm::kAesGcm256,
            SecretBytes(32)});
  ring.add({std::string(kId), Algorithm::kAesGcm128, SecretBytes(16)});
  const auto again = KeyRing::parse(ring.serialise().expose());
  ASSERT_TRUE(again);
  ASSERT_EQ(again->keys.size(), 2U);
  EXPECT_EQ(again->keys[0].id, kId);
  EXPECT_EQ(again->find(kId)->key.size(), 16U);
  EXPECT_EQ(again->find("0"), nullptr);
}

TEST(DekRecord, RefusesWhatCannotBe) {
  const SecretBytes good = info().serialise();
  const ByteView bytes = good.expose();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DekInfo::parse(bytes.first(size))) << size;
  }
  const auto with = [](auto change) {
    DekInfo other = info();
    change(other);
    return DekInfo::parse(other.serialise().expose()).has_value();
  };
  EXPECT_FALSE(with([](DekInfo& i) { i.id = "x"; }));
  EXPECT_FALSE(with([](DekInfo& i) { i.id[0] = 'X'; }));
  EXPECT_FALSE(with([](DekInfo& i) { i.name = ""; }));
  EXPECT_FALSE(with([](DekInfo& i) { i.name = "a\nb"; }));
  EXPECT_FALSE(with([](DekInfo& i) { i.scope = std::string(129, 'a'); }));
  EXPECT_FALSE(
      with([](DekInfo& i) { i.description = std::string(4097, 'a'); }));
  EXPECT_FALSE(with([](DekInfo& i) { i.version = 0; }));
  EXPECT_FALSE(with([](DekInfo& i) { i.status = Status{4}; }));
  EXPECT_FALSE(with([](DekInfo& i) { i.algorithm = Algorithm{0}; }));
  EXPECT_FALSE(CountRecord::parse({}));

  KeyRing ring;
  ring.keys.push_back(
      {std::string(kId), Algorithm::kAesGcm128, SecretBytes(32)});
  EXPECT_FALSE(KeyRing::parse(ring.serialise().expose()));
  ring.keys[0].key = SecretBytes(16);
  EXPECT_TRUE(KeyRing::parse(ring.serialise().expose()));
  ring.keys.push_back(
      {std::string(kId), Algorithm::kAesGcm128, SecretBytes(16)});
  EXPECT_FALSE(KeyRing::parse(ring.serialise().expose()));
}

}  // namespace
}  // namespace bulla::dek
