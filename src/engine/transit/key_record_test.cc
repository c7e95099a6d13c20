#include "engine/transit/key_record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

KeyRecord sample_key() {
  KeyRecord record;
  record.name = "a.b-c";
  record.id.fill(7);
  record.type = KeyType::kXChaCha20Poly1305;
  record.kdf = Kdf::kHkdfSha256;
  record.derived = record.convergent = record.deletion_allowed = true;
  record.latest_version = 9;
  record.min_decryption_version = 4;
  record.min_encryption_version = 5;
  record.min_available_version = 3;
  record.latest_created = from_unix_nanos(1'700'000'000'000'000'001);
  record.auto_rotate_period = Seconds(3600);
  return record;
}

VersionRecord sample_version() {
  VersionRecord record;
  record.key_id.fill(7);
  record.number = 9;
  record.created = from_unix_nanos(5);
  record.convergent_version = 3;
  record.hmac_key = SecretBytes(32);
  record.material = SymmetricMaterial{SecretBytes(32)};
  return record;
}

Bytes copy(const SecretBytes& secret) { return to_bytes(secret.expose()); }

// The layouts of docs/formats/transit-key.md, byte for byte.
TEST(KeyRecordTest, GoldenBytes) {
  EXPECT_EQ(hex_encode(encode(sample_key()).expose()),
            "01"
            "00000005612e622d63"
            "0000001007070707070707070707070707070707"
            "0000000b"
            "01"
            "00000013"
            "00000000"
            "00000009"
            "00000004"
            "00000005"
            "00000003"
            "17979cfe362a0001"
            "0000000000000e10");
  EXPECT_EQ(hex_encode(encode(sample_version()).expose()),
            "01"
            "0000001007070707070707070707070707070707"
            "00000009"
            "0000000000000005"
            "00000003"
            "00000020" +
                std::string(64, '0') +
                "01"
                "00000020" +
                std::string(64, '0'));
  EXPECT_EQ(hex_encode(encode(PurgeRecord{.below = 5}).expose()), "0100000005");
}

TEST(KeyRecordTest, DecodesToTheSameBytes) {
  const Bytes key = copy(encode(sample_key()));
  EXPECT_EQ(copy(encode(decode_key_record(key).value())), key);
  const Bytes version = copy(encode(sample_version()));
  EXPECT_EQ(copy(encode(decode_version_record(version).value())), version);
  const Bytes purge = copy(encode(PurgeRecord{.below = 7}));
  EXPECT_EQ(copy(encode(decode_purge_record(purge).value())), purge);
}

// Whatever is cut, added or flipped is refused or means something else; it is
// never read as the same.
TEST(KeyRecordTest, HostileBytes) {
  const Bytes whole[] = {copy(encode(sample_key())),
                         copy(encode(sample_version()))};
  const auto decodes_to_itself = [](const Bytes& bytes, bool key) {
    if (key) {
      const auto record = decode_key_record(bytes);
      return !record || copy(encode(*record)) == bytes;
    }
    const auto record = decode_version_record(bytes);
    return !record || copy(encode(*record)) == bytes;
  };
  for (const bool key : {true, false}) {
    const Bytes& bytes = whole[key ? 0 : 1];
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Bytes cut(bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(key ? decode_key_record(cut).has_value()
                       : decode_version_record(cut).has_value());
    }
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_TRUE(decodes_to_itself(flipped, key)) << bit;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_TRUE(!(key ? decode_key_record(longer).has_value()
                      : decode_version_record(longer).has_value()));
  }
}

TEST(KeyRecordTest, PathsSortByVersion) {
  EXPECT_EQ(version_path("k", 255), "version/k/000000ff");
  EXPECT_LT(version_path("k", 9), version_path("k", 10));
  EXPECT_EQ(key_path("a.b"), "key/a.b");
}

class StoredKeyTest : public TransitTest {};

// Entries that are whole but in the wrong place.
TEST_F(StoredKeyTest, EntriesOfOtherKeysAreRefused) {
  plant("k", KeyType::kAes256Gcm96, counting(32));
  KeyRecord other = sample_key();
  other.name = "k";
  other.latest_version = other.min_decryption_version = 1;
  other.min_encryption_version = other.min_available_version = 0;
  ASSERT_TRUE(view_.put(key_path("k"), encode(other).expose()));
  const Outcome use = post("hmac/k", R"({"input":""})");
  EXPECT_EQ(use.code, ErrorCode::kCorrupt);
  EXPECT_EQ(use.error, "key k: the entry of version 1 is another key's");
  ASSERT_TRUE(view_.put(key_path("x"), encode(other).expose()));
  EXPECT_EQ(post("hmac/x", R"({"input":""})").code, ErrorCode::kCorrupt);
  ASSERT_TRUE(view_.remove(version_path("k", 1)));
  EXPECT_EQ(post("hmac/k", R"({"input":""})").error,
            "key k: version 1 is missing");
  plant("h", KeyType::kHmac, counting(32));
  VersionRecord aead;
  aead.hmac_key = SecretBytes(32);
  aead.material = SymmetricMaterial{SecretBytes(32)};
  ASSERT_TRUE(view_.put(version_path("h", 1), encode(aead).expose()));
  EXPECT_EQ(post("hmac/h", R"({"input":""})").error,
            "key h: version 1 is not of type hmac");
}

}  // namespace
}  // namespace bulla::engine::transit
