#include <gtest/gtest.h>

#include "crypto/asymmetric.h"
#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

Bytes hex(std::string_view text) { return hex_decode(text).value(); }

struct Example {
  std::string_view seed;
  std::string_view public_key;
  std::string_view message;
  std::string_view signature;
};
// RFC 8032 section 7.1.
constexpr Example kExamples[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, Rfc8032) {
  for (const Example& example : kExamples) {
    const auto key = PrivateKey::from_ed25519_seed(hex(example.seed)).value();
    EXPECT_EQ(hex_encode(key.public_key().ed25519_raw()), example.public_key);
    const Bytes message = hex(example.message);
    EXPECT_EQ(hex_encode(key.sign({}, message).value()), example.signature);
    EXPECT_TRUE(*key.public_key().verify({}, message, hex(example.signature)));
    EXPECT_EQ(hex_encode(key.ed25519_seed().expose()), example.seed);
  }
}

// reference/transit.md §14, with the seed 00 01 … 1f.
TEST(Ed25519, TransitVector) {
  Bytes seed(32);
  for (std::size_t i = 0; i < seed.size(); ++i) {
    seed[i] = static_cast<std::uint8_t>(i);
  }
  const auto key = PrivateKey::from_ed25519_seed(seed).value();
  EXPECT_EQ(base64_encode(key.sign({}, as_bytes("hello world")).value()),
            "yeiKBsiIVap1+QvP3FqHt2qZwNIEQRS4kx5yCJ57jHrGtKl3a1cyby14GqjaiCH+"
            "a0xylv3gtjyiTX9jQ6xqCg==");
}

TEST(Ed25519, NothingOfTheSchemeIsRead) {
  SystemRng rng;
  const auto key =
      PrivateKey::generate(AsymmetricAlgorithm::kEd25519, 0, rng).value();
  SignatureScheme scheme;
  scheme.hash = std::nullopt;
  scheme.prehashed = true;
  scheme.salt_length = -7;
  const Bytes signature = key.sign(scheme, as_bytes("x")).value();
  EXPECT_EQ(key.sign({}, as_bytes("x")).value(), signature);
  EXPECT_TRUE(*key.public_key().verify(scheme, as_bytes("x"), signature));
  EXPECT_FALSE(*key.public_key().verify(scheme, as_bytes("y"), signature));
  EXPECT_FALSE(*key.public_key().verify(scheme, as_bytes("x"), {}));
}

TEST(Ed25519, KeysHave32Bytes) {
  for (const std::size_t size : {0U, 31U, 33U, 64U}) {
    EXPECT_FALSE(PublicKey::from_ed25519(Bytes(size)));
    EXPECT_FALSE(PrivateKey::from_ed25519_seed(Bytes(size)));
  }
}

// Keys of small order verify anything in some libraries; here nothing.
TEST(Ed25519, KeysOfSmallOrderVerifyNothing) {
  Bytes identity(32);
  identity[0] = 1;
  const auto key = PublicKey::from_ed25519(identity).value();
  Bytes signature(64);
  signature[0] = 1;
  EXPECT_FALSE(*key.verify({}, as_bytes("anything"), signature));
}

TEST(Wycheproof, Ed25519) {
  Wycheproof vectors("ed25519_test.json");
  BULLA_SKIP_WITHOUT(vectors);
  const int checked =
      vectors.each([&](const JsonElement& group, const JsonElement& test) {
        const auto key =
            PublicKey::from_spki_der(Wycheproof::hex(group, "publicKeyDer"))
                .value();
        EXPECT_EQ(key.verify({}, Wycheproof::hex(test, "msg"),
                             Wycheproof::hex(test, "sig"))
                      .value(),
                  Wycheproof::valid(test))
            << Wycheproof::number(test, "tcId");
      });
  EXPECT_GT(checked, 100);
}

}  // namespace
}  // namespace bulla::crypto
