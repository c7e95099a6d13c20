// Every type of key with every parameter: what is made, what is refused, and
// what the key body shows.

#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::StartsWith;

class KeyTypesTest : public TransitTest {
 protected:
  static std::string body(const KeyTypeInfo& type, std::string_view more) {
    return fmt::format(R"({{"type":"{}"{}}})", type.name, more);
  }
};

// The table of reference/transit.md §2.
struct Row {
  std::uint32_t number;
  std::string_view name;
  bool encrypts;
  bool signs;
  bool derives;
};
constexpr Row kRows[] = {{0, "aes256-gcm96", true, false, true},
                         {1, "ecdsa-p256", false, true, false},
                         {2, "ed25519", false, true, true},
                         {3, "rsa-2048", true, true, false},
                         {4, "rsa-4096", true, true, false},
                         {5, "chacha20-poly1305", true, false, true},
                         {6, "ecdsa-p384", false, true, false},
                         {7, "ecdsa-p521", false, true, false},
                         {8, "aes128-gcm96", true, false, true},
                         {9, "rsa-3072", true, true, false},
                         {10, "hmac", false, false, false},
                         {11, "xchacha20-poly1305", true, false, true},
                         {12, "aes128-cmac", false, false, false},
                         {13, "aes256-cmac", false, false, false},
                         {16, "aes192-cmac", false, false, false}};

TEST(KeyTypeTableTest, IsTheReferences) {
  EXPECT_EQ(all_key_types().size(), std::size(kRows));
  for (const Row& row : kRows) {
    const KeyTypeInfo* type = find_key_type(row.number);
    ASSERT_NE(type, nullptr) << row.name;
    EXPECT_EQ(type, find_key_type(row.name));
    EXPECT_EQ(type->encrypts, row.encrypts) << row.name;
    EXPECT_EQ(type->signs, row.signs) << row.name;
    EXPECT_EQ(type->derives, row.derives) << row.name;
    EXPECT_EQ(type->convergent, type->aead.has_value()) << row.name;
    EXPECT_EQ(type->public_import, type->key_pair()) << row.name;
  }
  // Vault's is 10, which is hmac here.
  EXPECT_TRUE(find_key_type(10001U)->managed());
  EXPECT_EQ(find_key_type(14U), nullptr);
  EXPECT_EQ(find_key_type("rsa-1024"), nullptr);
}

// derived × convergent_encryption, for each type.
TEST_F(KeyTypesTest, DerivationFlags) {
  for (const KeyTypeInfo& type : all_key_types()) {
    SCOPED_TRACE(type.name);
    EXPECT_EQ(
        post_error("keys/c", body(type, R"(,"convergent_encryption":true)")),
        "convergent encryption requires derivation to be enabled");
    const Outcome derived = post("keys/d", body(type, R"(,"derived":true)"));
    const std::string unsupported = fmt::format(
        "key derivation and convergent encryption not supported for keys of "
        "type {}",
        type.name);
    if (type.derives) {
      must(derived);
      EXPECT_EQ(derived.at("/derived"), "true");
      EXPECT_EQ(derived.at("/kdf"), "hkdf_sha256");
      must(post("keys/d/config", R"({"deletion_allowed":true})"));
      EXPECT_TRUE(call(api::Operation::kDelete, "keys/d").ok);
    } else {
      EXPECT_EQ(derived.code, ErrorCode::kInternal);
      EXPECT_EQ(derived.error, unsupported);
    }
    const Outcome both =
        post("keys/b",
             body(type, R"(,"derived":true,"convergent_encryption":true)"));
    if (type.convergent) {
      must(both);
      EXPECT_EQ(both.at("/convergent_encryption_version"), "-1");
      must(post("keys/b/config", R"({"deletion_allowed":true})"));
      EXPECT_TRUE(call(api::Operation::kDelete, "keys/b").ok);
    } else {
      EXPECT_EQ(both.code, ErrorCode::kInternal);
      EXPECT_EQ(both.error,
                type.derives
                    ? "convergent encryption not supported for keys of type "
                      "ed25519"
                    : unsupported);
    }
  }
}

TEST_F(KeyTypesTest, SizesAndPeriods) {
  for (const KeyTypeInfo& type : all_key_types()) {
    SCOPED_TRACE(type.name);
    const bool sized = type.family == KeyFamily::kHmac;
    for (const int size : {31, 33, 513}) {
      const std::string error = post_error(
          "keys/s", body(type, fmt::format(R"(,"key_size":{})", size)));
      if (!sized) {
        EXPECT_EQ(error, fmt::format("key_size is not valid for algorithm {}",
                                     type.name));
      } else if (size != 33) {
        EXPECT_EQ(error, fmt::format("invalid key_size {}", size));
      } else {
        EXPECT_EQ(get("keys/s").at("/key_size"), "33");
      }
    }
    EXPECT_EQ(
        post_error("keys/p", body(type, R"(,"auto_rotate_period":"59m")")),
        "auto rotate period must be 0 to disable or at least an hour");
  }
}

TEST_F(KeyTypesTest, EveryTypesBodyRotationAndReload) {
  for (const KeyTypeInfo& type : all_key_types()) {
    SCOPED_TRACE(type.name);
    const std::string path = fmt::format("keys/{}", type.name);
    must(post(path,
              body(type, R"(,"exportable":true,"allow_plaintext_backup":true,)"
                         R"("auto_rotate_period":"1h","context":"!")")));
    // Large RSA keys take seconds to make: one version will do.
    const bool rotates = type.bits <= 2048;
    if (rotates) rotate(type.name);
    const Outcome shown = get(path);
    EXPECT_EQ(shown.at("/type"), type.name);
    EXPECT_EQ(shown.at("/latest_version"), rotates ? "2" : "1");
    EXPECT_EQ(shown.at("/exportable"), "true");
    EXPECT_EQ(shown.at("/allow_plaintext_backup"), "true");
    EXPECT_EQ(shown.at("/auto_rotate_period"), "3600");
    EXPECT_EQ(shown.at("/supports_encryption"),
              type.encrypts ? "true" : "false");
    EXPECT_EQ(shown.at("/supports_decryption"),
              type.encrypts ? "true" : "false");
    EXPECT_EQ(shown.at("/supports_signing"), type.signs ? "true" : "false");
    EXPECT_EQ(shown.at("/supports_derivation"),
              type.derives ? "true" : "false");
    EXPECT_EQ(shown.at("/imported_key"), "false");
    EXPECT_EQ(shown.at("/imported_key_allow_rotation"), "<absent>");
    EXPECT_EQ(shown.at("/soft_deleted"), "false");
    if (!type.shows_keys) {
      EXPECT_EQ(shown.at("/keys"), "<absent>");
    } else if (!type.key_pair()) {
      EXPECT_EQ(shown.at("/keys"), R"({"1":1700000000,"2":1700000000})");
    } else {
      EXPECT_EQ(shown.at("/keys/1/name"), type.public_name);
      EXPECT_EQ(shown.at("/keys/1/certificate_chain"), "");
      EXPECT_EQ(shown.at("/keys/1/creation_time"), "2023-11-14T22:13:20Z");
      EXPECT_NE(shown.at("/keys/1/public_key"), shown.at("/keys/2/public_key"));
    }
    backend_->stop();
    restart();
    EXPECT_EQ(get(path).data, shown.data);
    if (!rotates) continue;
    EXPECT_EQ(post_error(path + "/config", R"({"min_decryption_version":2})"),
              "ok");
    EXPECT_EQ(get(path).at("/keys/1"), "<absent>");
  }
}

TEST_F(KeyTypesTest, PublicKeysAsTheBodyShowsThem) {
  make_key("r", R"({"type":"rsa-2048"})");
  make_key("e", R"({"type":"ecdsa-p521"})");
  for (const char* name : {"r", "e"}) {
    const std::string pem =
        get(fmt::format("keys/{}", name)).at("/keys/1/public_key");
    EXPECT_THAT(pem, StartsWith("-----BEGIN PUBLIC KEY-----\n"));
    EXPECT_TRUE(pem.ends_with("-----END PUBLIC KEY-----\n"));
    const auto key = crypto::PublicKey::from_spki_pem(pem);
    ASSERT_TRUE(key);
    EXPECT_TRUE(*key == *snapshot(name)->latest().public_key());
  }
  EXPECT_EQ(get("keys/e").at("/keys/1/name"), "P-521");
}

// reference/transit.md §14.
TEST_F(KeyTypesTest, DerivedEd25519Vectors) {
  const auto pair = crypto::PrivateKey::from_ed25519_seed(counting(32));
  ASSERT_TRUE(pair);
  KeyRecord record;
  record.name = "k";
  record.type = KeyType::kEd25519;
  record.kdf = Kdf::kHkdfSha256;
  record.derived = true;
  VersionRecord version;
  version.created = clock_.time;
  version.material =
      KeyPairMaterial{pair->pkcs8_der(), pair->public_key().spki_der(), {}};
  ASSERT_TRUE(backend_->keys().restore(
      std::move(record),
      [&] {
        std::vector<VersionRecord> versions;
        versions.push_back(std::move(version));
        return versions;
      }(),
      false));
  EXPECT_EQ(get("keys/k").at("/keys/1/public_key"), "");
  EXPECT_EQ(
      call(api::Operation::kRead, "keys/k", R"({"context":"bXktY29udGV4dA=="})")
          .at("/keys/1/public_key"),
      "OIvIl/P5BgXI5mVbCspIin8B4+5fbJBqqp0rjRBwXjc=");
  const auto key = snapshot("k");
  EXPECT_EQ(hex_encode(key->latest().secret_key()),
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
  const auto derived =
      derive_ed25519(*key, key->latest(), as_bytes("my-context"));
  ASSERT_TRUE(derived);
  EXPECT_EQ(hex_encode(derived->ed25519_seed().expose()),
            "7d3d86083d4552e90e282d47831383458f8d9af0adcb7c1f6705d99e5fa147ba");
  EXPECT_FALSE(derive_ed25519(*key, key->latest(), {}));
}

// A type that cannot do what is asked says so, with every route that uses keys.
TEST_F(KeyTypesTest, UsesThatATypeCannotServe) {
  for (const KeyTypeInfo& type : all_key_types()) {
    if (type.encrypts) continue;
    SCOPED_TRACE(type.name);
    make_key(type.name, body(type, ""));
    EXPECT_EQ(encrypt(type.name, "x"),
              fmt::format("message encryption not supported for key type {}",
                          type.name));
    EXPECT_EQ(decrypt(type.name, "vault:v1:eA=="),
              fmt::format("message decryption not supported for key type {}",
                          type.name));
    EXPECT_EQ(post_error(fmt::format("hmac/{}", type.name), R"({"input":""})"),
              type.macs()
                  ? fmt::format("key type {} does not support HMAC", type.name)
                  : "ok");
  }
}

}  // namespace
}  // namespace bulla::engine::transit
