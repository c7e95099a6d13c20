#include <gtest/gtest.h>

#include <thread>

#include "crypto/asymmetric.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

constexpr AsymmetricAlgorithm kCurves[] = {AsymmetricAlgorithm::kEcdsaP256,
                                           AsymmetricAlgorithm::kEcdsaP384,
                                           AsymmetricAlgorithm::kEcdsaP521};

Bytes hex(std::string_view text) { return hex_decode(text).value(); }

SignatureScheme with(EcdsaEncoding encoding, HashAlgorithm algorithm) {
  SignatureScheme scheme;
  scheme.encoding = encoding;
  scheme.hash = algorithm;
  return scheme;
}

struct Example {
  AsymmetricAlgorithm curve;
  HashAlgorithm hash;
  std::string_view scalar;
  std::string_view x;
  std::string_view signature;  // of "sample"
};
// RFC 6979 appendix A.2.5 to A.2.7. We sign with random nonces, so that these
// show the key's computation and the verification.
constexpr Example kExamples[] = {
    {AsymmetricAlgorithm::kEcdsaP256, HashAlgorithm::kSha2_256,
     "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {AsymmetricAlgorithm::kEcdsaP384, HashAlgorithm::kSha2_384,
     "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"
     "96d5724e4c70a825f872c9ea60d2edf5",
     "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"
     "def8f0ea9055866064a254515480bc13",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
     "81a648152e44acf96e36dd1e80fabe46"
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
     "a329c145786e679e7b82c71a38628ac8"},
    {AsymmetricAlgorithm::kEcdsaP521, HashAlgorithm::kSha2_512,
     "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75"
     "caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b8"
     "3538",
     "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd"
     "371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f50"
     "23a4",
     "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f"
     "174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e3"
     "77fa"
     "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af"
     "282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4"
     "a67a"},
};

TEST(Ecdsa, Rfc6979) {
  for (const Example& example : kExamples) {
    const auto key =
        PrivateKey::from_ec(example.curve, hex(example.scalar)).value();
    EXPECT_EQ(hex_encode(key.ec_numbers().x), example.x);
    EXPECT_EQ(hex_encode(key.ec_numbers().d.expose()), example.scalar);
    const auto scheme = with(EcdsaEncoding::kFixed, example.hash);
    EXPECT_TRUE(*key.public_key().verify(scheme, as_bytes("sample"),
                                         hex(example.signature)));
    EXPECT_FALSE(*key.public_key().verify(scheme, as_bytes("simple"),
                                          hex(example.signature)));
  }
}

TEST(Ecdsa, SignsInBothEncodings) {
  SystemRng rng;
  constexpr std::size_t kFixedBytes[] = {64, 96, 132};
  for (std::size_t i = 0; i < std::size(kCurves); ++i) {
    const auto key = PrivateKey::generate(kCurves[i], 0, rng).value();
    for (const auto algorithm : {HashAlgorithm::kSha1, HashAlgorithm::kSha2_512,
                                 HashAlgorithm::kSha3_256}) {
      // Often enough for numbers with a leading zero.
      for (int round = 0; round < 60; ++round) {
        const auto fixed = with(EcdsaEncoding::kFixed, algorithm);
        const auto der = with(EcdsaEncoding::kDer, algorithm);
        const Bytes one = key.sign(fixed, as_bytes("m")).value();
        const Bytes other = key.sign(der, as_bytes("m")).value();
        ASSERT_EQ(one.size(), kFixedBytes[i]);
        ASSERT_TRUE(*key.public_key().verify(fixed, as_bytes("m"), one));
        ASSERT_TRUE(*key.public_key().verify(der, as_bytes("m"), other));
        ASSERT_TRUE(
            *key.public_key().verify(der, as_bytes("m"), ecdsa_der(one)));
      }
    }
  }
}

TEST(Ecdsa, PrehashedInputHasAnyLength) {
  SystemRng rng;
  const auto key =
      PrivateKey::generate(AsymmetricAlgorithm::kEcdsaP256, 0, rng).value();
  SignatureScheme prehashed;
  prehashed.prehashed = true;
  const Digest digest = hash(HashAlgorithm::kSha2_256, as_bytes("m"));
  const Bytes signature = key.sign({}, as_bytes("m")).value();
  EXPECT_TRUE(*key.public_key().verify(prehashed, digest.view(), signature));
  Bytes longer = to_bytes(digest.view());
  longer.resize(100, 0x55);  // what is past the order's length does not count
  EXPECT_TRUE(*key.public_key().verify(prehashed, longer, signature));
  SignatureScheme raw;
  raw.hash = std::nullopt;
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 1000U}) {
    const Bytes input(size, 3);
    const Bytes made = key.sign(raw, input).value();
    EXPECT_TRUE(*key.public_key().verify(prehashed, input, made)) << size;
  }
}

TEST(Ecdsa, DerThatIsNotOneIsAnError) {
  const auto key =
      PublicKey::from_spki_der(fixtures::der(fixtures::kP256Spki)).value();
  const auto text_of = [&](const Bytes& signature) {
    const auto verified = key.verify({}, as_bytes("hello world"), signature);
    if (!verified) return verified.error().message();
    return std::string(*verified ? "valid" : "not valid");
  };
  const Bytes good = fixtures::der(fixtures::kP256Signature);
  EXPECT_EQ(text_of(good), "valid");
  Bytes more = good;
  more.push_back(0);
  EXPECT_EQ(text_of(more), "supplied signature contains extra data");
  EXPECT_EQ(text_of({}), "supplied signature is invalid");
  EXPECT_EQ(text_of(hex("3003020101")), "supplied signature is invalid");
  EXPECT_EQ(text_of(hex("3009020101020101020101")),
            "supplied signature is invalid");
  EXPECT_EQ(text_of(hex("30080202000102020001")),
            "supplied signature is invalid");
  EXPECT_EQ(text_of(hex("3006020100020100")), "not valid");
  EXPECT_EQ(text_of(hex("3006020181020181")), "not valid");
  EXPECT_EQ(text_of(hex("3006020101020101")), "not valid");
}

TEST(Ecdsa, FixedSignaturesOfAnotherLengthAreNotValid) {
  SystemRng rng;
  const auto key =
      PrivateKey::generate(AsymmetricAlgorithm::kEcdsaP384, 0, rng).value();
  const auto scheme = with(EcdsaEncoding::kFixed, HashAlgorithm::kSha2_384);
  const Bytes good = key.sign(scheme, {}).value();
  for (const std::size_t size : {0U, 1U, 64U, 95U, 97U, 132U, 4096U}) {
    Bytes signature = good;
    signature.resize(size);
    EXPECT_FALSE(*key.public_key().verify(scheme, {}, signature));
  }
}

TEST(Ecdsa, ServesManyThreads) {
  SystemRng rng;
  const auto key =
      PrivateKey::generate(AsymmetricAlgorithm::kEcdsaP256, 0, rng).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&key, i] {
      const Bytes message(32, static_cast<std::uint8_t>(i));
      for (int round = 0; round < 200; ++round) {
        const auto signature = key.sign({}, message);
        if (!signature || !*key.public_key().verify({}, message, *signature)) {
          std::abort();
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

void check_file(const std::string& file, HashAlgorithm algorithm,
                EcdsaEncoding encoding) {
  Wycheproof vectors(file);
  BULLA_SKIP_WITHOUT(vectors);
  const int checked =
      vectors.each([&](const JsonElement& group, const JsonElement& test) {
        const auto key =
            PublicKey::from_spki_der(Wycheproof::hex(group, "publicKeyDer"))
                .value();
        const auto verified =
            key.verify(with(encoding, algorithm), Wycheproof::hex(test, "msg"),
                       Wycheproof::hex(test, "sig"));
        EXPECT_EQ(verified && *verified, Wycheproof::valid(test))
            << Wycheproof::number(test, "tcId");
      });
  EXPECT_GT(checked, 200);
}

TEST(Wycheproof, EcdsaP256) {
  check_file("ecdsa_secp256r1_sha256_test.json", HashAlgorithm::kSha2_256,
             EcdsaEncoding::kDer);
}
TEST(Wycheproof, EcdsaP384) {
  check_file("ecdsa_secp384r1_sha384_test.json", HashAlgorithm::kSha2_384,
             EcdsaEncoding::kDer);
}
TEST(Wycheproof, EcdsaP521) {
  check_file("ecdsa_secp521r1_sha512_test.json", HashAlgorithm::kSha2_512,
             EcdsaEncoding::kDer);
}
TEST(Wycheproof, EcdsaP256Fixed) {
  check_file("ecdsa_secp256r1_sha256_p1363_test.json", HashAlgorithm::kSha2_256,
             EcdsaEncoding::kFixed);
}
TEST(Wycheproof, EcdsaP384Fixed) {
  check_file("ecdsa_secp384r1_sha384_p1363_test.json", HashAlgorithm::kSha2_384,
             EcdsaEncoding::kFixed);
}
TEST(Wycheproof, EcdsaP521Fixed) {
  check_file("ecdsa_secp521r1_sha512_p1363_test.json", HashAlgorithm::kSha2_512,
             EcdsaEncoding::kFixed);
}

}  // namespace
}  // namespace bulla::crypto
