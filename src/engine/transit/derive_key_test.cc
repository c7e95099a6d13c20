#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::HasSubstr;

class DeriveKeyTest : public TransitTest {
 protected:
  static constexpr auto kP256 = crypto::AsymmetricAlgorithm::kEcdsaP256;
  static crypto::PrivateKey scalar(crypto::AsymmetricAlgorithm curve,
                                   std::string_view hex) {
    return crypto::PrivateKey::from_ec(curve, hex_decode(hex).value()).value();
  }
  static std::string pem(const crypto::PublicKey& key) {
    std::string out;
    for (const char c : key.spki_pem()) {
      out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out;
  }
  // 1234567, of which reference/transit.md §14 has the vectors.
  void plant_base(std::string_view name) {
    const auto pair = scalar(kP256, "12d687");
    KeyRecord record;
    record.name = std::string(name);
    record.type = KeyType::kEcdsaP256;
    VersionRecord version;
    version.created = clock_.time;
    version.material =
        KeyPairMaterial{pair.pkcs8_der(), pair.public_key().spki_der(), {}};
    std::vector<VersionRecord> versions;
    versions.push_back(std::move(version));
    ASSERT_TRUE(backend_->keys().restore(std::move(record), std::move(versions),
                                         false));
  }
  Outcome derive(std::string_view name, std::string_view more = {},
                 std::string_view base = "base") {
    return post(fmt::format("derive-key/{}", name),
                fmt::format(R"({{"base_key_name":"{}",)"
                            R"("peer_public_key":"{}"{}}})",
                            base, pem(peer_.public_key()), more));
  }

  crypto::PrivateKey peer_ = scalar(kP256, "74cbb1");  // 7654321
};

TEST_F(DeriveKeyTest, TheReferencesVector) {
  plant_base("base");
  must(derive("k"));
  const Outcome shown = get("keys/k");
  EXPECT_EQ(shown.at("/type"), "aes256-gcm96");
  EXPECT_EQ(shown.at("/imported_key"), "true");
  EXPECT_EQ(shown.at("/imported_key_allow_rotation"), "false");
  EXPECT_EQ(shown.at("/exportable"), "false");
  plant("same", KeyType::kAes256Gcm96,
        hex_decode("1b85d883e86fc37691073d6f08fcd6bbabf919c1412d8924e28777aa1"
                   "6a0c981")
            .value());
  EXPECT_EQ(decrypt("same", encrypt("k", "x")), "x");
}

TEST_F(DeriveKeyTest, BothSidesAgreeInEveryType) {
  make_key("one", R"({"type":"ecdsa-p384"})");
  make_key("two", R"({"type":"ecdsa-p384"})");
  const auto side = [&](std::string_view own, std::string_view other,
                        std::string_view type) {
    return post(
        fmt::format("derive-key/{}-{}", own, type),
        fmt::format(R"({{"base_key_name":"{}","base_key_version":1,)"
                    R"("derived_key_type":"{}","peer_public_key":"{}"}})",
                    own, type, pem(*snapshot(other)->latest().public_key())));
  };
  for (const std::string_view type :
       {"aes128-gcm96", "aes256-gcm96", "chacha20-poly1305",
        "xchacha20-poly1305"}) {
    must(side("one", "two", type));
    must(side("two", "one", type));
    EXPECT_EQ(decrypt(fmt::format("two-{}", type),
                      encrypt(fmt::format("one-{}", type), "x")),
              "x");
  }
}

TEST_F(DeriveKeyTest, AgainItIsAVersion) {
  plant_base("base");
  must(derive("k"));
  must(derive("k"));
  EXPECT_EQ(get("keys/k").at("/latest_version"), "2");
  EXPECT_THAT(derive("k", R"(,"derived_key_type":"aes128-gcm96")").error,
              HasSubstr("cannot be a version of"));
  must(call(api::Operation::kDelete, "keys/k/soft-delete"));
  EXPECT_EQ(derive("k").error, "refusing to use soft-deleted key");
}

TEST_F(DeriveKeyTest, Refusals) {
  plant_base("base");
  make_key("aes");
  make_key("ed", R"({"type":"ed25519"})");
  EXPECT_EQ(post_error("derive-key/k"), "peer public key not provided");
  EXPECT_EQ(derive("k", {}, "no").error, "specified base key not found");
  EXPECT_EQ(derive("k", {}, "aes").error,
            "base key type aes256-gcm96 does not support key agreement");
  EXPECT_EQ(derive("k", {}, "ed").error,
            "base key type ed25519 does not support key agreement");
  EXPECT_EQ(derive("k", R"(,"key_derivation_algorithm":"x")").error,
            "key derivation algorithm x not supported");
  EXPECT_EQ(derive("k", R"(,"derived_key_type":"hmac")").error,
            "unknown key type hmac");
  EXPECT_EQ(derive("k", R"(,"base_key_version":-1)").error,
            "requested version of the base key is negative");
  EXPECT_EQ(derive("k", R"(,"base_key_version":2)").error,
            "requested version of the base key is higher than the latest key "
            "version");
  peer_ = scalar(crypto::AsymmetricAlgorithm::kEcdsaP384, "02");
  EXPECT_EQ(derive("k").error,
            "base private key type ecdsa-p256 does not match peer public key "
            "curve");
  peer_ = crypto::PrivateKey::from_ed25519_seed(counting(32)).value();
  const Outcome other = derive("k");
  EXPECT_EQ(other.error, "supplied peer public key is not an ECDSA key");
  EXPECT_EQ(other.code, ErrorCode::kInternal);
  EXPECT_FALSE(get("keys/k").response.present);
}

}  // namespace
}  // namespace bulla::engine::transit
