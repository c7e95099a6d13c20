#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>

#include "crypto/asymmetric.h"
#include "crypto/key_fixtures_test.h"
#include "crypto/key_wrap.h"
#include "crypto/x509.h"

namespace bulla::crypto {
namespace {

using fixtures::der;

constexpr AsymmetricAlgorithm kAll[] = {
    AsymmetricAlgorithm::kEd25519, AsymmetricAlgorithm::kEcdsaP256,
    AsymmetricAlgorithm::kEcdsaP384, AsymmetricAlgorithm::kEcdsaP521,
    AsymmetricAlgorithm::kRsa};

PrivateKey generated(AsymmetricAlgorithm algorithm) {
  SystemRng rng;
  return PrivateKey::generate(algorithm, 2048, rng).value();
}

bool signs_for(const PrivateKey& key, const PublicKey& public_key) {
  return public_key.verify({}, as_bytes("m"), *key.sign({}, as_bytes("m")))
      .value();
}

TEST(PrivateKey, EncodingsComeBack) {
  for (const auto algorithm : kAll) {
    const PrivateKey key = generated(algorithm);
    EXPECT_EQ(key.algorithm(), algorithm);
    const SecretBytes pkcs8 = key.pkcs8_der();
    const auto again = PrivateKey::from_pkcs8(pkcs8.expose()).value();
    EXPECT_EQ(again.public_key(), key.public_key());
    EXPECT_EQ(again.pkcs8_der(), pkcs8);
    EXPECT_TRUE(signs_for(again, key.public_key()));
    const auto public_again =
        PublicKey::from_spki_pem(key.public_key().spki_pem()).value();
    EXPECT_EQ(public_again, key.public_key());
    EXPECT_EQ(public_again.spki_der(), key.public_key().spki_der());
    EXPECT_EQ(public_again.bits(), key.public_key().bits());
  }
}

TEST(PrivateKey, NumbersMakeTheSameKey) {
  for (const auto curve :
       {AsymmetricAlgorithm::kEcdsaP256, AsymmetricAlgorithm::kEcdsaP384,
        AsymmetricAlgorithm::kEcdsaP521}) {
    const PrivateKey key = generated(curve);
    const EcNumbers numbers = key.ec_numbers();
    EXPECT_EQ(numbers.x.size(), (key.public_key().bits() + 7) / 8);
    const auto again = PrivateKey::from_ec(curve, numbers.d.expose()).value();
    EXPECT_EQ(again.public_key(), key.public_key());
    EXPECT_EQ(again.ec_numbers().y, numbers.y);
  }
  const auto key = PrivateKey::from_pkcs8(der(fixtures::kRsaPkcs8)).value();
  const auto again = PrivateKey::from_rsa(key.rsa_numbers()).value();
  EXPECT_EQ(again.pkcs8_der(), key.pkcs8_der());
  EXPECT_EQ(key.public_key().rsa_numbers().e, (Bytes{1, 0, 1}));
  EXPECT_TRUE(key.public_key().rsa_numbers().d.empty());
}

TEST(PrivateKey, OpenSslsEncodingsAreOurs) {
  for (const auto base64 : {fixtures::kRsaPkcs8, fixtures::kP256Pkcs8}) {
    const auto key = PrivateKey::from_pkcs8(der(base64)).value();
    EXPECT_EQ(base64_encode(key.pkcs8_der().expose()), base64);
  }
  const auto rsa = PrivateKey::from_pkcs8(der(fixtures::kRsaPkcs8)).value();
  EXPECT_EQ(as_text(rsa.traditional_pem().expose()),
            fixtures::kRsaTraditionalPem);
  const auto ec = PrivateKey::from_pkcs8(der(fixtures::kP256Pkcs8)).value();
  EXPECT_EQ(as_text(ec.traditional_pem().expose()),
            fixtures::kP256TraditionalPem);
  EXPECT_EQ(base64_encode(ec.public_key().spki_der()), fixtures::kP256Spki);
  EXPECT_TRUE(as_text(ec.pkcs8_pem().expose())
                  .starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

TEST(PrivateKey, AnRsaPssKeyIsAPlainOne) {
  const auto key = PrivateKey::from_pkcs8(der(fixtures::kRsaPssPkcs8)).value();
  EXPECT_EQ(key.algorithm(), AsymmetricAlgorithm::kRsa);
  SignatureScheme scheme;
  scheme.padding = RsaPadding::kPkcs1v15;
  const auto signature = key.sign(scheme, as_bytes("m")).value();
  EXPECT_TRUE(*key.public_key().verify(scheme, as_bytes("m"), signature));
  EXPECT_NE(base64_encode(key.pkcs8_der().expose()), fixtures::kRsaPssPkcs8);
}

TEST(PrivateKey, EcPointsMayBeCompressedParametersNotExplicit) {
  const auto key = PrivateKey::from_pkcs8(der(fixtures::kP256Pkcs8)).value();
  const auto compressed =
      PrivateKey::from_pkcs8(der(fixtures::kP256CompressedPkcs8)).value();
  EXPECT_EQ(compressed.public_key(), key.public_key());
  EXPECT_FALSE(PrivateKey::from_pkcs8(der(fixtures::kP256ExplicitPkcs8)));
  EXPECT_FALSE(PrivateKey::from_pkcs8(der(fixtures::kSecp256k1Pkcs8)));
  EXPECT_FALSE(PublicKey::from_spki_der(der(fixtures::kP256ExplicitSpki)));
  EXPECT_FALSE(PublicKey::from_spki_der(der(fixtures::kP256CompressedSpki)));
}

// RFC 8410 section 10.3: with attributes and a public key; without.
TEST(PrivateKey, Rfc8410) {
  const auto key =
      PrivateKey::from_pkcs8(
          der("MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
              "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB"
              "Z9w7lshQhqowtrbLDFw4rXAxZuE="))
          .value();
  EXPECT_EQ(base64_encode(key.pkcs8_der().expose()),
            "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC");
  EXPECT_EQ(base64_encode(key.public_key().spki_der()),
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
}

TEST(PrivateKey, Ed25519InTheFormOfEc) {
  const std::string seed =
      "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
  const std::string sec1 =
      "04273025020101"
      "0420" +
      seed;
  // NSS's identifier, that of X25519 and Ed25519's own in the curve's place.
  const std::string nss =
      "304202010030140607"
      "2a8648ce3d0201"
      "0609"
      "2b06010401da470f01" +
      sec1;
  const std::string x25519 =
      "303c020100300e0607"
      "2a8648ce3d0201"
      "0603"
      "2b656e" +
      sec1;
  for (const std::string& text : {nss, x25519}) {
    const auto key = PrivateKey::from_pkcs8(hex_decode(text).value());
    ASSERT_TRUE(key) << text;
    EXPECT_EQ(key->algorithm(), AsymmetricAlgorithm::kEd25519);
    EXPECT_EQ(hex_encode(key->ed25519_seed().expose()), seed);
  }
}

TEST(PrivateKey, APublicKeyThatIsAnothersIsRefused) {
  for (const auto base64 :
       {fixtures::kP256Pkcs8, fixtures::kP256CompressedPkcs8}) {
    Bytes bytes = der(base64);
    bytes[bytes.size() - 5] ^= 1;  // within the point
    EXPECT_FALSE(PrivateKey::from_pkcs8(bytes));
  }
}

TEST(PrivateKey, SizesOfRsa) {
  EXPECT_EQ(
      PrivateKey::from_pkcs8(der(fixtures::kRsa1024Pkcs8)).error().message(),
      "RSA keys of 2048, 3072 and 4096 bits are supported");
  SystemRng rng;
  for (const std::size_t bits : {0U, 1024U, 2047U, 2056U, 8192U}) {
    EXPECT_EQ(PrivateKey::generate(AsymmetricAlgorithm::kRsa, bits, rng)
                  .error()
                  .code(),
              ErrorCode::kInvalidArgument);
  }
  const auto key =
      PrivateKey::generate(AsymmetricAlgorithm::kRsa, 3072, rng).value();
  EXPECT_EQ(key.public_key().bits(), 3072U);
}

// Each number of a good key in turn, changed in ways a forger would choose.
TEST(PrivateKey, RsaNumbersThatDoNotBelongTogether) {
  const auto key = PrivateKey::from_pkcs8(der(fixtures::kRsaPkcs8)).value();
  const auto refused = [&](auto change) {
    RsaNumbers numbers = key.rsa_numbers();
    change(numbers);
    const auto made = PrivateKey::from_rsa(numbers);
    return !made && made.error().code() == ErrorCode::kInvalidArgument;
  };
  const auto low_bit = [](SecretBytes& number) {
    number.expose_mutable()[number.size() - 1] ^= 1;
  };
  const auto one = [] { return SecretBytes::copy_of(Bytes{1}); };
  EXPECT_FALSE(refused([](RsaNumbers&) {}));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.n.back() ^= 1; }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.n.back() ^= 2; }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.n.pop_back(); }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.n.clear(); }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.e = {}; }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.e = {1}; }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.e = {3}; }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.e = Bytes(300, 0xFF); }));
  EXPECT_TRUE(refused([&](RsaNumbers& k) { low_bit(k.d); }));
  EXPECT_TRUE(refused([&](RsaNumbers& k) { low_bit(k.p); }));
  EXPECT_TRUE(refused([&](RsaNumbers& k) { low_bit(k.q); }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.d = SecretBytes(); }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.p = SecretBytes(); }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.q = k.p.clone(); }));
  EXPECT_TRUE(refused([&](RsaNumbers& k) {
    k.p = SecretBytes::copy_of(k.n);
    k.q = one();
  }));
  EXPECT_TRUE(refused([&](RsaNumbers& k) {
    k.p = one();
    k.q = SecretBytes::copy_of(k.n);
  }));
  EXPECT_TRUE(refused([](RsaNumbers& k) { k.d = SecretBytes::copy_of(k.n); }));
}

// d modulo (p-1)(q-1) rather than their least common multiple, as Go has it,
// and primes in either order.
TEST(PrivateKey, RsaFormsThatAreEquivalent) {
  const auto key = PrivateKey::from_pkcs8(der(fixtures::kRsaPkcs8)).value();
  RsaNumbers numbers = key.rsa_numbers();
  std::swap(numbers.p, numbers.q);
  numbers.n.insert(numbers.n.begin(), 3, 0);
  const auto swapped = PrivateKey::from_rsa(numbers).value();
  EXPECT_EQ(swapped.public_key(), key.public_key());
  EXPECT_TRUE(signs_for(swapped, key.public_key()));
  EXPECT_EQ(swapped.rsa_numbers().p, key.rsa_numbers().q);
}

TEST(PrivateKey, ScalarsOfACurve) {
  constexpr auto kP256 = AsymmetricAlgorithm::kEcdsaP256;
  const auto order = hex_decode(
                         "ffffffff00000000ffffffffffffffff"
                         "bce6faada7179e84f3b9cac2fc632551")
                         .value();
  EXPECT_FALSE(PrivateKey::from_ec(kP256, {}));
  EXPECT_FALSE(PrivateKey::from_ec(kP256, Bytes(32)));
  EXPECT_FALSE(PrivateKey::from_ec(kP256, order));
  EXPECT_FALSE(PrivateKey::from_ec(kP256, Bytes(33, 1)));
  Bytes largest = order;
  largest.back() -= 1;
  EXPECT_TRUE(PrivateKey::from_ec(kP256, largest));
  largest.insert(largest.begin(), 10, 0);
  EXPECT_TRUE(PrivateKey::from_ec(kP256, largest));
  EXPECT_TRUE(PrivateKey::from_ec(kP256, Bytes{1}));
}

TEST(PrivateKey, CutAndExtendedEncodingsAreRefused) {
  for (const auto algorithm : kAll) {
    const PrivateKey key = generated(algorithm);
    const SecretBytes pkcs8 = key.pkcs8_der();
    const Bytes spki = key.public_key().spki_der();
    Bytes longer = to_bytes(pkcs8.expose());
    longer.push_back(0);
    EXPECT_FALSE(PrivateKey::from_pkcs8(longer));
    for (std::size_t size = 0; size < pkcs8.size(); size += 3) {
      EXPECT_FALSE(PrivateKey::from_pkcs8(pkcs8.expose().first(size)));
    }
    for (std::size_t size = 0; size < spki.size(); ++size) {
      EXPECT_FALSE(PublicKey::from_spki_der(ByteView(spki).first(size)));
    }
    Bytes trailing = spki;
    trailing.push_back(0);
    EXPECT_FALSE(PublicKey::from_spki_der(trailing));
  }
}

// TLS on the same thread takes what is in the queue for its own.
TEST(PrivateKey, FailuresLeaveNoErrorsInOpenSslsQueue) {
  const auto key = PrivateKey::from_pkcs8(der(fixtures::kRsaPkcs8)).value();
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(*key.public_key().verify({}, {}, Bytes(256, 0xFF)));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(key.decrypt(RsaEncryption::kOaep, HashAlgorithm::kSha2_256,
                           Bytes(256, 1)));
  EXPECT_EQ(ERR_peek_error(), 0U);
  Bytes spki = der(fixtures::kP256Spki);
  spki.back() ^= 1;
  EXPECT_FALSE(PublicKey::from_spki_der(spki));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(unwrap_kwp(Bytes(16), Bytes(16)));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(
      parse_certificates("-----BEGIN CERTIFICATE-----\nAAAA\n"
                         "-----END CERTIFICATE-----\n"));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_TRUE(parse_certificates(fixtures::kCaCertificate));
  EXPECT_TRUE(make_csr(key, fixtures::kRequest));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PublicKey, PemIsOneBlock) {
  const PrivateKey key = generated(AsymmetricAlgorithm::kEcdsaP256);
  const std::string pem = key.public_key().spki_pem();
  EXPECT_TRUE(PublicKey::from_spki_pem("a comment\n" + pem + "\n"));
  EXPECT_FALSE(PublicKey::from_spki_pem(pem + pem));
  EXPECT_FALSE(PublicKey::from_spki_pem(""));
  EXPECT_FALSE(PublicKey::from_spki_pem(as_text(key.pkcs8_pem().expose())));
}

TEST(PublicKey, PointsOffTheCurveAreRefused) {
  Bytes spki = der(fixtures::kP256Spki);
  spki.back() ^= 1;
  EXPECT_EQ(PublicKey::from_spki_der(spki).error().message(),
            "the public key is not a point of its curve");
  std::fill(spki.end() - 64, spki.end(), std::uint8_t{0});
  EXPECT_FALSE(PublicKey::from_spki_der(spki));
}

}  // namespace
}  // namespace bulla::crypto
