#include "engine/transit/key_record.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

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
  record.imported = record.allow_imported_rotation = true;
  record.soft_deleted = true;
  record.max_operations = 0xF0000000;
  record.backup_info = KeyStamp{from_unix_nanos(3), 8};
  record.restore_info = KeyStamp{from_unix_nanos(4), 7};
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

VersionRecord sample_key_pair() {
  VersionRecord record = sample_version();
  record.convergent_version = 0;
  record.material = KeyPairMaterial{
      SecretBytes::copy_of(Bytes{1, 2, 3}), {4, 5}, {{6}, {7, 8}}};
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
            "000003f3"
            "00000000"
            "00000009"
            "00000004"
            "00000005"
            "00000003"
            "17979cfe362a0001"
            "0000000000000e10"
            "00000000f0000000"
            "000000000000000300000008"
            "000000000000000400000007");
  KeyRecord plain;
  plain.name = "k";
  EXPECT_EQ(hex_encode(encode(plain).expose()),
            "01"
            "000000016b"
            "0000001000000000000000000000000000000000"
            "00000000"
            "00"
            "00000000"
            "00000000"
            "00000001"
            "00000001"
            "00000000"
            "00000000"
            "0000000000000000"
            "0000000000000000"
            "0000000000000000");
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
  EXPECT_EQ(hex_encode(encode(sample_key_pair()).expose()),
            "01"
            "0000001007070707070707070707070707070707"
            "00000009"
            "0000000000000005"
            "00000000"
            "00000020" +
                std::string(64, '0') +
                "03"
                "00000003010203"
                "000000020405"
                "00000002"
                "0000000106"
                "000000020708");
}

TEST(KeyRecordTest, GoldenBytesOfAManagedKey) {
  VersionRecord record = sample_version();
  record.convergent_version = 0;
  record.hmac_key = SecretBytes();
  record.material = ManagedMaterial{"id", {4, 5}};
  const SecretBytes bytes = encode(record);
  EXPECT_EQ(hex_encode(bytes.expose()),
            "01"
            "0000001007070707070707070707070707070707"
            "00000009"
            "0000000000000005"
            "00000000"
            "00000000"
            "04"
            "000000026964"
            "000000020405");
  const auto back = decode_version_record(bytes.expose());
  ASSERT_TRUE(back);
  EXPECT_TRUE(encode(*back) == bytes);
  record.hmac_key = SecretBytes(32);
  EXPECT_FALSE(decode_version_record(encode(record).expose()));
}

// What a record reads as when encoded anew; nothing when it is refused.
std::optional<Bytes> again(const Bytes& bytes, bool key) {
  if (key) {
    const auto record = decode_key_record(bytes);
    return record ? std::optional(copy(encode(*record))) : std::nullopt;
  }
  const auto record = decode_version_record(bytes);
  return record ? std::optional(copy(encode(*record))) : std::nullopt;
}

struct Sample {
  bool key;
  Bytes bytes;
};

std::vector<Sample> samples() {
  KeyRecord plain;
  plain.name = "k";
  VersionRecord hmac = sample_version();
  hmac.hmac_key = SecretBytes();
  hmac.material = HmacMaterial{SecretBytes(64)};
  VersionRecord public_only = sample_key_pair();
  public_only.material = KeyPairMaterial{{}, {4, 5}, {}};
  return {{true, copy(encode(sample_key()))},
          {true, copy(encode(plain))},
          {false, copy(encode(sample_version()))},
          {false, copy(encode(hmac))},
          {false, copy(encode(sample_key_pair()))},
          {false, copy(encode(public_only))}};
}

TEST(KeyRecordTest, DecodesToTheSameBytes) {
  for (const auto& [key, bytes] : samples()) {
    EXPECT_EQ(again(bytes, key), bytes);
  }
  EXPECT_EQ(copy(encode(clone(sample_key_pair()))),
            copy(encode(sample_key_pair())));
}

// Whatever is cut, added or flipped is refused or means something else; it is
// never read as the same.
TEST(KeyRecordTest, HostileBytes) {
  for (const auto& [key, bytes] : samples()) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Bytes cut(bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(again(cut, key)) << size;
    }
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto read = again(flipped, key);
      EXPECT_TRUE(!read || *read == flipped) << bit;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(again(longer, key));
  }
}

TEST(KeyRecordTest, CertificatesAreBounded) {
  const auto reads = [](std::size_t count, std::size_t each) {
    VersionRecord record = sample_key_pair();
    std::get<KeyPairMaterial>(record.material)
        .certificates.assign(count, Bytes(each));
    return decode_version_record(encode(record).expose()).has_value();
  };
  EXPECT_TRUE(reads(VersionRecord::kCertificatesMax, 1));
  EXPECT_FALSE(reads(VersionRecord::kCertificatesMax + 1, 1));
  EXPECT_TRUE(reads(1, VersionRecord::kCertificateBytesMax));
  EXPECT_FALSE(reads(1, VersionRecord::kCertificateBytesMax + 1));
  EXPECT_FALSE(reads(1, 0));
}

TEST(KeyRecordTest, PathsSortByVersion) {
  KeyId id{};
  id.fill(0xab);
  EXPECT_EQ(version_path("k", id, 255),
            "version/k/abababababababababababababababab/000000ff");
  EXPECT_LT(version_path("k", id, 9), version_path("k", id, 10));
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
  other.soft_deleted = false;
  ASSERT_TRUE(view_.put(key_path("k"), encode(other).expose()));
  VersionRecord stranger;
  stranger.hmac_key = SecretBytes(32);
  stranger.material = SymmetricMaterial{SecretBytes(32)};
  ASSERT_TRUE(
      view_.put(version_path("k", other.id, 1), encode(stranger).expose()));
  const Outcome use = post("hmac/k", R"({"input":""})");
  EXPECT_EQ(use.code, ErrorCode::kCorrupt);
  EXPECT_EQ(use.error, "key k: the entry of version 1 is another key's");
  ASSERT_TRUE(view_.put(key_path("x"), encode(other).expose()));
  EXPECT_EQ(post("hmac/x", R"({"input":""})").code, ErrorCode::kCorrupt);
  ASSERT_TRUE(view_.remove(version_path("k", other.id, 1)));
  EXPECT_EQ(post("hmac/k", R"({"input":""})").error,
            "key k: version 1 is missing");
  plant("h", KeyType::kHmac, counting(32));
  VersionRecord aead;
  aead.hmac_key = SecretBytes(32);
  aead.material = SymmetricMaterial{SecretBytes(32)};
  ASSERT_TRUE(view_.put(version_path("h", KeyId{}, 1), encode(aead).expose()));
  EXPECT_EQ(post("hmac/h", R"({"input":""})").error,
            "key h: version 1 is not of type hmac");
}

}  // namespace
}  // namespace bulla::engine::transit
