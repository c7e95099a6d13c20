#include "engine/kv/record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::engine::kv {
namespace {

constexpr std::string_view kId = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9";

Record sample() {
  Record record;
  record.path = "a/b";
  record.id = kId;
  record.created = from_unix_nanos(1);
  record.updated = from_unix_nanos(2);
  record.current = 3;
  record.oldest = 2;
  record.metadata_version = 4;
  record.max_versions = 5;
  record.cas_required = true;
  record.delete_version_after = Seconds{6};
  record.custom["k"] = "v";
  record.versions[2].created = from_unix_nanos(1);
  record.versions[2].destroyed = true;
  record.versions[3].created = from_unix_nanos(2);
  record.versions[3].deletion = from_unix_nanos(7);
  return record;
}

std::string hex(const SecretBytes& bytes) { return hex_encode(bytes.expose()); }

// The golden bytes of docs/formats/kv.md.
TEST(KvRecord, Golden) {
  EXPECT_EQ(
      hex(encode(sample())),
      "01"
      "00000003612f62"
      "0000002430623163326433652d346635302d343631372d383239332d6134623563366437"
      "65386639"
      "00000000000000010000000000000002"
      "000000000000000300000000000000020000000000000004"
      "00000005"
      "01"
      "0000000000000006"
      "00000001000000016b0000000176"
      "00000002"
      "0000000000000002"
      "01"
      "0000000000000001"
      "0000000000000003"
      "02"
      "00000000000000020000000000000007");
  EXPECT_EQ(hex(encode(BodyDeks{"a/b", {{3, "d"}}})),
            "01"
            "00000003612f62"
            "00000001"
            "0000000000000003"
            "0000000164");
  Settings settings;
  settings.max_versions = 7;
  settings.metadata_cas_required = true;
  settings.delete_version_after = Seconds{-1};
  EXPECT_EQ(hex(encode(settings)), "010000000702ffffffffffffffff");
  EXPECT_EQ(hex(encode(dek::SealedBody{"d", "body"})),
            "010000000164"
            "00000004626f6479");
}

TEST(KvRecord, DecodesToWhatItWas) {
  const SecretBytes bytes = encode(sample());
  const auto record = decode_record(bytes.expose());
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_EQ(hex(encode(*record)), hex(bytes));
  EXPECT_TRUE(record->versions.at(2).destroyed);
  const BodyDeks deks{"a/b", {{1, "d"}, {3, "e"}}};
  EXPECT_EQ(decode_deks(encode(deks).expose())->ids, deks.ids);
  const auto body = decode_body(encode(dek::SealedBody{"d", "b"}).expose());
  ASSERT_TRUE(body);
  EXPECT_EQ(body->bytes, "b");
}

template <typename Decode>
void expect_no_prefix(const SecretBytes& bytes, Decode decode) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = decode(bytes.expose().first(size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt);
  }
  const std::string longer = to_text(bytes.expose()) + '\0';
  EXPECT_FALSE(decode(as_bytes(longer)));
}

TEST(KvRecord, RefusesEveryPrefixAndWhatFollows) {
  expect_no_prefix(encode(sample()), decode_record);
  expect_no_prefix(encode(BodyDeks{"a", {{1, "d"}, {2, "e"}}}), decode_deks);
  expect_no_prefix(encode(Settings()), decode_settings);
  expect_no_prefix(encode(dek::SealedBody{"d", "b"}), decode_body);
}

// Whatever decodes is written the same way again.
template <typename Decode>
void flip_each_bit(const SecretBytes& bytes, Decode decode) {
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    SecretBytes changed = bytes.clone();
    changed.expose_mutable()[bit / 8] ^=
        static_cast<std::uint8_t>(1 << bit % 8);
    const auto read = decode(changed.expose());
    if (!read) continue;
    EXPECT_EQ(hex(encode(*read)), hex(changed)) << bit;
  }
}

TEST(KvRecord, EveryFlippedBitIsRefusedOrMeansItself) {
  flip_each_bit(encode(sample()), decode_record);
  flip_each_bit(encode(BodyDeks{"a/b", {{1, "d"}, {3, "e"}}}), decode_deks);
}

TEST(KvRecord, Paths) {
  EXPECT_EQ(record_path("a/b"), "meta/a/b");
  EXPECT_EQ(body_path("id", 17), "body/id/0000000000000011");
  EXPECT_EQ(deks_path("id"), "body/id/deks");
  EXPECT_EQ(use_path("dek", "id"), "use/dek/id");
  EXPECT_EQ(body_place("m", "a/b", 17), "m/17/a/b");
}

}  // namespace
}  // namespace bulla::engine::kv
