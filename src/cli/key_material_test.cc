#include "cli/key_material.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/asymmetric.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/key_wrap.h"
#include "crypto/pem.h"

namespace bulla::cli {
namespace {

using crypto::HashAlgorithm;
using testing::HasSubstr;

std::string secret_of(std::string_view file, bool raw = false) {
  const auto material = parse_key_material(as_bytes(file), raw);
  return material ? to_text(material->secret.expose())
                  : material.error().message();
}

TEST(KeyMaterial, SymmetricKeys) {
  const std::string key = "\x01\xff 0123456789abcd";
  EXPECT_EQ(secret_of(base64_encode(as_bytes(key))), key);
  EXPECT_EQ(secret_of(" " + base64_encode(as_bytes(key)) + "\n"), key);
  EXPECT_EQ(secret_of(key), key) << "what is no base64 is the key itself";
  EXPECT_EQ(secret_of("AAAA", true), "AAAA");
  EXPECT_THAT(secret_of(""), HasSubstr("empty"));
}

TEST(KeyMaterial, PemOfEitherHalf) {
  const Bytes der = crypto::fixtures::der(crypto::fixtures::kP256Pkcs8);
  EXPECT_EQ(secret_of(crypto::pem_encode("PRIVATE KEY", der)), to_text(der));
  const auto pair = crypto::PrivateKey::from_pkcs8(der).value();
  const std::string pem = pair.public_key().spki_pem();
  const auto half = parse_key_material(as_bytes(pem), false);
  ASSERT_TRUE(half);
  EXPECT_TRUE(half->secret.empty());
  EXPECT_EQ(half->public_key, pem);
  EXPECT_THAT(secret_of(std::string(crypto::fixtures::kCaCertificate)),
              HasSubstr("no private key"));
}

TEST(KeyMaterial, WrapsForEveryHash) {
  crypto::SystemRng rng;
  const auto wrapping =
      crypto::PrivateKey::generate(crypto::AsymmetricAlgorithm::kRsa, 4096, rng)
          .value();
  const SecretBytes secret = rng.secret(32);
  for (const auto hash : {HashAlgorithm::kSha1, HashAlgorithm::kSha2_224,
                          HashAlgorithm::kSha2_256, HashAlgorithm::kSha2_384,
                          HashAlgorithm::kSha2_512}) {
    const Bytes blob =
        base64_decode(
            wrap_for_import(wrapping.public_key().spki_pem(), hash, secret, rng)
                .value())
            .value();
    const auto aes = wrapping.decrypt(crypto::RsaEncryption::kOaep, hash,
                                      ByteView(blob).first(512));
    ASSERT_TRUE(aes);
    EXPECT_EQ(aes->size(), 32U);
    const auto key =
        crypto::unwrap_kwp(aes->expose(), ByteView(blob).subspan(512));
    ASSERT_TRUE(key);
    EXPECT_EQ(*key, secret);
  }
}

TEST(KeyMaterial, WrapsForNoOtherKey) {
  crypto::SystemRng rng;
  const auto pair = crypto::PrivateKey::generate(
                        crypto::AsymmetricAlgorithm::kEcdsaP256, 0, rng)
                        .value();
  EXPECT_FALSE(wrap_for_import(pair.public_key().spki_pem(),
                               HashAlgorithm::kSha2_256, rng.secret(32), rng));
  EXPECT_FALSE(
      wrap_for_import("", HashAlgorithm::kSha2_256, rng.secret(32), rng));
}

}  // namespace
}  // namespace bulla::cli
