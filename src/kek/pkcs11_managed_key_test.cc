// Managed keys over SoftHSM2; what they sign is checked outside of the device.

#include "kek/pkcs11_managed_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kek/softhsm_test.h"

namespace bulla::kek {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Options = Pkcs11ManagedKeyOptions;
using Mechanism = Options::Mechanism;
using Scheme = Pkcs11Signing::Scheme;

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(30);
}

class Pkcs11ManagedKeyTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    hsm_ = std::make_unique<SoftHsm>(std::vector<std::string>{"managed"});
  }
  static void TearDownTestSuite() { hsm_.reset(); }

  static Options options(std::string label, Mechanism mechanism) {
    Options given;
    given.token.module = SoftHsm::kModule;
    given.token.token_label = "managed";
    given.token.pin = SecretBytes::copy_of(as_bytes(SoftHsm::kPin));
    given.key.label = std::move(label);
    given.mechanism = mechanism;
    given.generate = true;
    // The only one that SoftHSM has for OAEP.
    given.oaep_hash = crypto::HashAlgorithm::kSha1;
    if (mechanism != Mechanism::kAesGcm) given.key_bits = 2048;
    return given;
  }
  static std::unique_ptr<Pkcs11ManagedKey> made(Options given) {
    auto key = Pkcs11ManagedKey::create(std::move(given), rng()).value();
    const auto ready = key->prepare(soon());
    EXPECT_TRUE(ready) << ready.error().message();
    return key;
  }
  static ErrorCode code(const auto& result) { return result.error().code(); }

  static std::unique_ptr<SoftHsm> hsm_;
};
std::unique_ptr<SoftHsm> Pkcs11ManagedKeyTest::hsm_;

TEST_F(Pkcs11ManagedKeyTest, SealsWithAes) {
  const auto key = made(options("aes", Mechanism::kAesGcm));
  auto sealed = key->encrypt(as_bytes("text"), as_bytes("aad"), soon()).value();
  EXPECT_EQ(key->decrypt(sealed, as_bytes("aad"), soon()).value(),
            SecretBytes::copy_of(as_bytes("text")));
  EXPECT_NE(sealed,
            key->encrypt(as_bytes("text"), as_bytes("aad"), soon()).value());
  EXPECT_EQ(code(key->decrypt(sealed, as_bytes("other"), soon())),
            ErrorCode::kCorrupt);
  sealed.back() ^= 1;
  EXPECT_EQ(code(key->decrypt(sealed, as_bytes("aad"), soon())),
            ErrorCode::kCorrupt);
}

TEST_F(Pkcs11ManagedKeyTest, RefusesWhatIsNoCiphertext) {
  const auto key = made(options("aes", Mechanism::kAesGcm));
  for (const Bytes& bytes :
       {Bytes{}, Bytes{12}, Bytes(64, 0), Bytes(64, 255), Bytes(28, 12)}) {
    EXPECT_EQ(code(key->decrypt(bytes, {}, soon())), ErrorCode::kCorrupt);
  }
}

TEST_F(Pkcs11ManagedKeyTest, SealsWithRsa) {
  const auto key = made(options("oaep", Mechanism::kRsaOaep));
  const auto sealed = key->encrypt(as_bytes("text"), {}, soon()).value();
  const auto text = SecretBytes::copy_of(as_bytes("text"));
  EXPECT_EQ(key->decrypt(sealed, {}, soon()).value(), text);
  const auto outside = key->public_key(soon()).value().encrypt(
      crypto::RsaEncryption::kOaep, crypto::HashAlgorithm::kSha1,
      as_bytes("text"));
  EXPECT_EQ(key->decrypt(outside.value(), {}, soon()).value(), text);
  EXPECT_EQ(code(key->encrypt(as_bytes("text"), as_bytes("aad"), soon())),
            ErrorCode::kInvalidArgument);
}

TEST_F(Pkcs11ManagedKeyTest, SignsWithEcdsaOnEveryCurve) {
  const auto digest = crypto::sha256(as_bytes("message"));
  for (const auto curve :
       {Pkcs11Curve::kP256, Pkcs11Curve::kP384, Pkcs11Curve::kP521}) {
    Options given = options(fmt::format("ec{}", static_cast<int>(curve)),
                            Mechanism::kEcdsa);
    given.curve = curve;
    const auto key = made(std::move(given));
    const auto signature =
        key->sign({.scheme = Scheme::kEcdsa}, digest, soon()).value();
    crypto::SignatureScheme scheme;
    scheme.encoding = crypto::EcdsaEncoding::kFixed;
    const auto shown = key->public_key(soon()).value();
    EXPECT_TRUE(shown.verify(scheme, as_bytes("message"), signature).value());
    EXPECT_FALSE(shown.verify(scheme, as_bytes("other"), signature).value());
  }
}

TEST_F(Pkcs11ManagedKeyTest, SignsWithRsaUnderBothPaddings) {
  const auto key = made(options("rsa", Mechanism::kRsaPss));
  const auto digest = crypto::sha256(as_bytes("message"));
  const auto shown = key->public_key(soon()).value();
  for (const auto scheme : {Scheme::kRsaPss, Scheme::kRsaPkcs1}) {
    const auto signature =
        key->sign({.scheme = scheme}, digest, soon()).value();
    crypto::SignatureScheme check;
    if (scheme == Scheme::kRsaPkcs1) {
      check.padding = crypto::RsaPadding::kPkcs1v15;
    }
    EXPECT_TRUE(shown.verify(check, as_bytes("message"), signature).value());
  }
}

TEST_F(Pkcs11ManagedKeyTest, RefusesWhatTheMechanismDoesNot) {
  const auto aes = made(options("aes", Mechanism::kAesGcm));
  const auto ec = made(options("ec", Mechanism::kEcdsa));
  const auto digest = crypto::sha256(as_bytes("message"));
  EXPECT_EQ(code(aes->sign({}, digest, soon())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(aes->public_key(soon())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(ec->encrypt(digest, {}, soon())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(ec->decrypt(digest, {}, soon())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(ec->sign({.scheme = Scheme::kRsaPss}, digest, soon())),
            ErrorCode::kInvalidArgument);
}

TEST_F(Pkcs11ManagedKeyTest, MakesAKeyOnlyWhereItMay) {
  Options given = options("absent", Mechanism::kAesGcm);
  given.generate = false;
  const auto key = Pkcs11ManagedKey::create(std::move(given), rng()).value();
  EXPECT_EQ(code(key->prepare(soon())), ErrorCode::kNotFound);
  made(options("absent", Mechanism::kAesGcm));
  EXPECT_TRUE(key->prepare(soon()));
  made(options("absent", Mechanism::kAesGcm));  // and not a second one
  EXPECT_TRUE(key->prepare(soon()));
}

TEST_F(Pkcs11ManagedKeyTest, NeverShowsAPinThatWasRefused) {
  Options given = options("aes", Mechanism::kAesGcm);
  given.token.pin = SecretBytes::copy_of(as_bytes("987654"));
  const auto key = Pkcs11ManagedKey::create(std::move(given), rng()).value();
  const auto refused = key->prepare(soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(code(refused), ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("987654")));
}

// docs/adr/0012-managed-keys.md: no boundary between the keys of one token.
TEST_F(Pkcs11ManagedKeyTest, SharesTheLoginOfItsToken) {
  const auto open = made(options("aes", Mechanism::kAesGcm));
  Options given = options("aes", Mechanism::kAesGcm);
  given.token.pin = SecretBytes::copy_of(as_bytes("987654"));
  const auto key = Pkcs11ManagedKey::create(std::move(given), rng()).value();
  EXPECT_TRUE(key->prepare(soon()));
}

TEST_F(Pkcs11ManagedKeyTest, RefusesOptionsThatAreNone) {
  EXPECT_EQ(
      code(Pkcs11ManagedKey::create(options("", Mechanism::kAesGcm), rng())),
      ErrorCode::kInvalidArgument);
  Options given = options("odd", Mechanism::kRsaPss);
  given.key_bits = 1024;
  EXPECT_EQ(code(Pkcs11ManagedKey::create(std::move(given), rng())),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bulla::kek
