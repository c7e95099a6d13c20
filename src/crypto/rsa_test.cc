#include <gtest/gtest.h>

#include "crypto/asymmetric.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

constexpr HashAlgorithm kHashes[] = {
    HashAlgorithm::kSha1,     HashAlgorithm::kSha2_224,
    HashAlgorithm::kSha2_256, HashAlgorithm::kSha2_384,
    HashAlgorithm::kSha2_512, HashAlgorithm::kSha3_224,
    HashAlgorithm::kSha3_256, HashAlgorithm::kSha3_384,
    HashAlgorithm::kSha3_512};

const PrivateKey& key() {
  static const PrivateKey made =
      PrivateKey::from_pkcs8(fixtures::der(fixtures::kRsaPkcs8)).value();
  return made;
}

SignatureScheme pkcs1(std::optional<HashAlgorithm> algorithm) {
  SignatureScheme scheme;
  scheme.padding = RsaPadding::kPkcs1v15;
  scheme.hash = algorithm;
  return scheme;
}
SignatureScheme pss(HashAlgorithm algorithm, int salt) {
  SignatureScheme scheme;
  scheme.hash = algorithm;
  scheme.salt_length = salt;
  return scheme;
}

bool verifies(const SignatureScheme& scheme, ByteView signature) {
  return key()
      .public_key()
      .verify(scheme, as_bytes("hello world"), signature)
      .value();
}

TEST(Rsa, OpenSslsSignatures) {
  const Bytes plain = fixtures::der(fixtures::kRsaSignaturePkcs1);
  EXPECT_EQ(key()
                .sign(pkcs1(HashAlgorithm::kSha2_256), as_bytes("hello world"))
                .value(),
            plain);
  const Bytes raw = fixtures::der(fixtures::kRsaSignatureRaw);
  EXPECT_EQ(key().sign(pkcs1({}), as_bytes("hello world")).value(), raw);
  EXPECT_TRUE(verifies(pkcs1(HashAlgorithm::kSha2_256), plain));
  EXPECT_TRUE(verifies(pkcs1({}), raw));
  EXPECT_FALSE(verifies(pkcs1({}), plain));
  const Bytes longest = fixtures::der(fixtures::kRsaSignaturePssMax);
  const Bytes short_salt = fixtures::der(fixtures::kRsaSignaturePss32);
  constexpr auto kHash = HashAlgorithm::kSha2_256;
  EXPECT_TRUE(verifies(pss(kHash, kPssSaltAuto), longest));
  EXPECT_TRUE(verifies(pss(kHash, kPssSaltAuto), short_salt));
  EXPECT_TRUE(verifies(pss(kHash, 222), longest));
  EXPECT_FALSE(verifies(pss(kHash, kPssSaltHash), longest));
  EXPECT_TRUE(verifies(pss(kHash, kPssSaltHash), short_salt));
  EXPECT_TRUE(verifies(pss(kHash, 32), short_salt));
  EXPECT_FALSE(verifies(pss(kHash, 31), short_salt));
}

TEST(Rsa, EveryHashInBothPaddings) {
  for (const auto algorithm : kHashes) {
    for (auto scheme : {pkcs1(algorithm), pss(algorithm, kPssSaltAuto),
                        pss(algorithm, kPssSaltHash), pss(algorithm, 1)}) {
      const Bytes signature = key().sign(scheme, as_bytes("m")).value();
      const Digest digest = hash(algorithm, as_bytes("m"));
      scheme.prehashed = true;
      EXPECT_TRUE(*key().public_key().verify(scheme, digest.view(), signature));
      const Bytes again = key().sign(scheme, digest.view()).value();
      scheme.prehashed = false;
      EXPECT_TRUE(*key().public_key().verify(scheme, as_bytes("m"), again));
      EXPECT_FALSE(*key().public_key().verify(scheme, as_bytes("n"), again));
    }
  }
}

TEST(Rsa, AutomaticSaltIsTheLongest) {
  for (const auto algorithm : kHashes) {
    const int longest = 256 - 2 - static_cast<int>(hash_bytes(algorithm));
    const Bytes signature =
        key()
            .sign(pss(algorithm, kPssSaltAuto), as_bytes("hello world"))
            .value();
    EXPECT_TRUE(verifies(pss(algorithm, longest), signature));
    EXPECT_FALSE(verifies(pss(algorithm, longest - 1), signature));
  }
}

TEST(Rsa, SaltsThatDoNotFit) {
  for (const int salt : {-2, -3, 191, 256, 1 << 30, -(1 << 30)}) {
    const auto scheme = pss(HashAlgorithm::kSha2_512, salt);
    const std::string text =
        "requested salt length " + std::to_string(salt) + " is invalid";
    const auto made = key().sign(scheme, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(made.error().message(), text);
    EXPECT_EQ(key().public_key().verify(scheme, {}, {}).error().message(),
              text);
  }
  EXPECT_TRUE(key().sign(pss(HashAlgorithm::kSha2_512, 190), {}));
}

TEST(Rsa, InputsThatAreNoHash) {
  auto scheme = pkcs1(HashAlgorithm::kSha2_256);
  scheme.prehashed = true;
  for (const auto padding : {RsaPadding::kPkcs1v15, RsaPadding::kPss}) {
    scheme.padding = padding;
    for (const std::size_t size : {0U, 31U, 33U, 5000U}) {
      const auto made = key().sign(scheme, Bytes(size));
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().code(), ErrorCode::kInternal);
      EXPECT_EQ(made.error().message(),
                padding == RsaPadding::kPss
                    ? "crypto/rsa: input must be hashed with given hash"
                    : "crypto/rsa: input must be hashed message");
      EXPECT_FALSE(key().public_key().verify(scheme, Bytes(size), {}));
    }
  }
  SignatureScheme no_hash;
  no_hash.hash = std::nullopt;
  EXPECT_FALSE(key().sign(no_hash, {}));
  EXPECT_FALSE(key().public_key().verify(no_hash, {}, {}));
}

TEST(Rsa, WithoutAHashTheInputIsBounded) {
  for (const std::size_t size : {0U, 1U, 32U, 245U}) {
    const Bytes input(size, 9);
    const Bytes signature = key().sign(pkcs1({}), input).value();
    EXPECT_TRUE(*key().public_key().verify(pkcs1({}), input, signature))
        << size;
  }
  const auto made = key().sign(pkcs1({}), Bytes(246));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(),
            "crypto/rsa: message too long for RSA key size");
  EXPECT_FALSE(*key().public_key().verify(pkcs1({}), Bytes(246), Bytes(256)));
}

TEST(Rsa, SignaturesOfAnotherLengthAreNotValid) {
  const auto scheme = pkcs1(HashAlgorithm::kSha2_256);
  for (const std::size_t size : {0U, 1U, 255U, 257U, 512U}) {
    EXPECT_FALSE(verifies(scheme, Bytes(size, 1)));
  }
  EXPECT_FALSE(verifies(scheme, Bytes(256, 0xFF)));
}

TEST(Rsa, EncryptsAndDecrypts) {
  constexpr auto kOaep = RsaEncryption::kOaep;
  constexpr auto kPkcs1 = RsaEncryption::kPkcs1v15;
  for (const auto algorithm : kHashes) {
    for (const auto padding : {kOaep, kPkcs1}) {
      const std::size_t longest =
          padding == kOaep ? 256 - 2 * hash_bytes(algorithm) - 2 : 245;
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, longest}) {
        const Bytes text(size, 7);
        const auto sealed =
            key().public_key().encrypt(padding, algorithm, text).value();
        const auto opened = key().decrypt(padding, algorithm, sealed);
        ASSERT_TRUE(opened);
        EXPECT_EQ(to_bytes(opened->expose()), text);
      }
      const auto too_long =
          key().public_key().encrypt(padding, algorithm, Bytes(longest + 1));
      EXPECT_EQ(too_long.error().message(),
                "failed to RSA encrypt the plaintext: crypto/rsa: message too "
                "long for RSA key size");
    }
  }
}

TEST(Rsa, WhateverIsWrongWithACiphertextIsOneError) {
  constexpr auto kOaep = RsaEncryption::kOaep;
  constexpr auto kHash = HashAlgorithm::kSha2_256;
  const Bytes good =
      key().public_key().encrypt(kOaep, kHash, as_bytes("m")).value();
  std::vector<Bytes> bad{{},         Bytes(1),   Bytes(255),
                         Bytes(257), Bytes(256), Bytes(256, 0xFF)};
  bad.push_back(good);
  bad.back()[100] ^= 1;
  for (const Bytes& ciphertext : bad) {
    const auto opened = key().decrypt(kOaep, kHash, ciphertext);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kInternal);
    EXPECT_EQ(opened.error().message(),
              "failed to RSA decrypt the ciphertext: crypto/rsa: decryption "
              "error");
  }
  EXPECT_FALSE(key().decrypt(kOaep, HashAlgorithm::kSha1, good));
}

// ---- Wycheproof ----

HashAlgorithm hash_of(const JsonElement& group) {
  const std::string_view name = group["sha"].get_string().value();
  if (name == "SHA-1") return HashAlgorithm::kSha1;
  if (name == "SHA-256") return HashAlgorithm::kSha2_256;
  return name == "SHA-384" ? HashAlgorithm::kSha2_384
                           : HashAlgorithm::kSha2_512;
}

void check_signatures(const std::string& file, RsaPadding padding) {
  Wycheproof vectors(file);
  BULLA_SKIP_WITHOUT(vectors);
  const int checked =
      vectors.each([&](const JsonElement& group, const JsonElement& test) {
        const auto public_key =
            PublicKey::from_spki_der(Wycheproof::hex(group, "publicKeyDer"))
                .value();
        SignatureScheme scheme = pkcs1(hash_of(group));
        scheme.padding = padding;
        if (padding == RsaPadding::kPss) {
          scheme.salt_length =
              static_cast<int>(Wycheproof::number(group, "sLen"));
        }
        const bool verified = public_key
                                  .verify(scheme, Wycheproof::hex(test, "msg"),
                                          Wycheproof::hex(test, "sig"))
                                  .value();
        // "acceptable" here is a DigestInfo without its NULL.
        EXPECT_EQ(verified, Wycheproof::valid(test))
            << Wycheproof::number(test, "tcId");
      });
  EXPECT_GT(checked, 100);
}

TEST(Wycheproof, RsaPss2048) {
  check_signatures("rsa_pss_2048_sha256_mgf1_32_test.json", RsaPadding::kPss);
}
TEST(Wycheproof, RsaPss4096) {
  check_signatures("rsa_pss_4096_sha512_mgf1_64_test.json", RsaPadding::kPss);
}
TEST(Wycheproof, RsaPkcs1v15With2048) {
  check_signatures("rsa_signature_2048_sha256_test.json",
                   RsaPadding::kPkcs1v15);
}
TEST(Wycheproof, RsaPkcs1v15With3072) {
  check_signatures("rsa_signature_3072_sha384_test.json",
                   RsaPadding::kPkcs1v15);
}
TEST(Wycheproof, RsaPkcs1v15With4096) {
  check_signatures("rsa_signature_4096_sha512_test.json",
                   RsaPadding::kPkcs1v15);
}

void check_oaep(const std::string& file) {
  Wycheproof vectors(file);
  BULLA_SKIP_WITHOUT(vectors);
  int checked = 0;
  vectors.each([&](const JsonElement& group, const JsonElement& test) {
    if (!Wycheproof::hex(test, "label").empty()) return;  // ours is empty
    ++checked;
    const auto id = Wycheproof::number(test, "tcId");
    const auto private_key =
        PrivateKey::from_pkcs8(Wycheproof::hex(group, "privateKeyPkcs8"))
            .value();
    const auto opened = private_key.decrypt(
        RsaEncryption::kOaep, hash_of(group), Wycheproof::hex(test, "ct"));
    ASSERT_EQ(opened.has_value(), Wycheproof::valid(test)) << id;
    if (!opened) return;
    EXPECT_EQ(to_bytes(opened->expose()), Wycheproof::hex(test, "msg")) << id;
  });
  EXPECT_GT(checked, 20);
}

TEST(Wycheproof, RsaOaep2048Sha1) {
  check_oaep("rsa_oaep_2048_sha1_mgf1sha1_test.json");
}
TEST(Wycheproof, RsaOaep2048Sha256) {
  check_oaep("rsa_oaep_2048_sha256_mgf1sha256_test.json");
}
TEST(Wycheproof, RsaOaep4096Sha512) {
  check_oaep("rsa_oaep_4096_sha512_mgf1sha512_test.json");
}

}  // namespace
}  // namespace bulla::crypto
