#include <gtest/gtest.h>

#include "base/json_writer.h"
#include "crypto/key_fixtures_test.h"
#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using crypto::fixtures::kCaCertificate;
using crypto::fixtures::kLeafCertificate;
using testing::HasSubstr;
using testing::StartsWith;

class SetCertificateTest : public TransitTest {
 protected:
  SetCertificateTest() {
    const auto pair = crypto::PrivateKey::from_pkcs8(
                          crypto::fixtures::der(crypto::fixtures::kP256Pkcs8))
                          .value();
    KeyRecord record;
    record.type = KeyType::kEcdsaP256;
    record.imported = true;
    record.allow_imported_rotation = true;
    EXPECT_TRUE(backend_->keys().create(
        "k", record, clock_.time,
        KeyPairMaterial{.pkcs8 = pair.pkcs8_der(),
                        .spki = pair.public_key().spki_der(),
                        .certificates = {}}));
  }
  static std::string body(std::initializer_list<std::string_view> parts,
                          std::string_view more = {}) {
    std::string text, quoted;
    for (const std::string_view part : parts) text += part;
    append_json_string(quoted, text);
    return fmt::format(R"({{"certificate_chain":{}{}}})", quoted, more);
  }
  static std::string without_newline(std::string_view pem) {
    return std::string(pem.substr(0, pem.size() - 1));
  }
};

TEST_F(SetCertificateTest, KeepsAChainBesideItsVersion) {
  const Outcome set =
      post("keys/k/set-certificate", body({kLeafCertificate, kCaCertificate}));
  must(set);
  EXPECT_EQ(set.at("/name"), "k");
  EXPECT_EQ(set.at("/type"), "ecdsa-p256");
  EXPECT_EQ(set.at("/certificate_chain"),
            std::string(kLeafCertificate) + std::string(kCaCertificate));
  restart();
  rotate("k");
  const Outcome key = get("keys/k");
  EXPECT_EQ(key.at("/keys/1/certificate_chain"),
            without_newline(kLeafCertificate) + "\n" +
                without_newline(kCaCertificate));
  EXPECT_EQ(key.at("/keys/2/certificate_chain"), "");
  // Another takes its place; the older version can still be certified.
  must(post("keys/k/set-certificate",
            body({kLeafCertificate}, R"(,"version":1)")));
  EXPECT_EQ(get("keys/k").at("/keys/1/certificate_chain"),
            without_newline(kLeafCertificate));
  const Outcome signed_with =
      post("sign/k", R"({"input":"eA==","key_version":1})");
  must(signed_with);
}

TEST_F(SetCertificateTest, RefusesOtherChains) {
  const auto refusal = [this](std::initializer_list<std::string_view> parts,
                              std::string_view more = {}) {
    return post_error("keys/k/set-certificate", body(parts, more));
  };
  const std::string_view prefix = "failed to persist certificate chain: ";
  EXPECT_THAT(refusal({kCaCertificate}), StartsWith(prefix));
  EXPECT_THAT(refusal({kLeafCertificate, kLeafCertificate}),
              StartsWith(prefix));
  EXPECT_EQ(refusal({kLeafCertificate}, R"(,"version":2)"),
            std::string(prefix) + "no such key version");
  rotate("k");
  EXPECT_THAT(refusal({kLeafCertificate}), StartsWith(prefix));
  EXPECT_NE(refusal({}), "ok");
  EXPECT_NE(refusal({"-----BEGIN CERTIFICATE-----\nAAAA\n"}), "ok");
  EXPECT_EQ(get("keys/k").at("/keys/1/certificate_chain"), "");
}

TEST_F(SetCertificateTest, RefusesMoreThanIsStored) {
  std::string text(kLeafCertificate);
  for (std::size_t i = 0; i < VersionRecord::kCertificatesMax; ++i) {
    text += kCaCertificate;
  }
  EXPECT_EQ(post_error("keys/k/set-certificate", body({text})),
            "the certificate chain is too long");
}

TEST_F(SetCertificateTest, RefusesWhatDoesNotSign) {
  make_key("a");
  EXPECT_EQ(post_error("keys/a/set-certificate", body({kLeafCertificate})),
            "key type 'aes256-gcm96' does not support signing");
  EXPECT_EQ(post_error("keys/none/set-certificate", body({kLeafCertificate})),
            "key with provided name 'none' not found");
}

}  // namespace
}  // namespace bulla::engine::transit
