// The pkcs11 provider over SoftHSM2.

#include "kek/pkcs11_kek.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "base/encoding.h"
#include "kek/conformance.h"
#include "kek/pkcs11_keys.h"
#include "kek/provider_factory.h"
#include "kek/softhsm_test.h"

namespace bulla::kek {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Options = std::map<std::string, std::string>;

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(30);
}

class Pkcs11KekTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    hsm_ = std::make_unique<SoftHsm>(std::vector<std::string>{
        "bulla", "other", "rotate", "rsa", "rsa2", "make", "race"});
  }
  static void TearDownTestSuite() { hsm_.reset(); }

  static Options options(const std::string& token) {
    return {{"lib", SoftHsm::kModule},
            {"token_label", token},
            {"pin", SoftHsm::kPin},
            {"key_label", "kek"}};
  }
  static Pkcs11TokenOptions token_of(const std::string& label) {
    Pkcs11TokenOptions given;
    given.module = SoftHsm::kModule;
    given.token_label = label;
    given.pin = SecretBytes::copy_of(as_bytes(SoftHsm::kPin));
    return given;
  }
  static std::unique_ptr<KekProvider> provider(Options options) {
    return make_provider("pkcs11", "", options, rng()).value();
  }
  static void need_key(const Options& options, KekVersion version = 1) {
    const auto made = provider(options)->create_version(version, soon());
    ASSERT_TRUE(made || made.error().code() == ErrorCode::kConflict)
        << made.error().message();
  }
  static std::unique_ptr<SoftHsm> hsm_;
};
std::unique_ptr<SoftHsm> Pkcs11KekTest::hsm_;

TEST_F(Pkcs11KekTest, Conforms) {
  need_key(options("bulla"));
  need_key(options("other"));
  check_conformance(
      {.make = [] { return provider(options("bulla")); },
       .make_with_other_key = [] { return provider(options("other")); }});
}

TEST_F(Pkcs11KekTest, ConformsWithRsa) {
  const auto rsa = [](const std::string& token) {
    Options given = options(token);
    given["mechanism"] = "CKM_RSA_PKCS_OAEP";
    // The only hash that SoftHSM has for it.
    given["rsa_oaep_hash"] = "sha1";
    return given;
  };
  // Smaller keys than Bulla makes: the suite decrypts a thousand times.
  for (const std::string token_label : {"rsa", "rsa2"}) {
    Pkcs11Token token(token_of(token_label));
    Pkcs11Keys keys(token, false, rng());
    ASSERT_TRUE(keys.generate_rsa({"kek", {}}, 2048, soon()));
  }
  check_conformance(
      {.make = [&] { return provider(rsa("rsa")); },
       .make_with_other_key = [&] { return provider(rsa("rsa2")); }});
}

TEST_F(Pkcs11KekTest, KeepsAVersionAKey) {
  const auto kek = provider(options("rotate"));
  EXPECT_THAT(kek->versions(), ElementsAre(1));
  const SecretBytes secret = rng().secret(32);
  auto refused = kek->wrap(secret, as_bytes("a"), 1, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(refused.error().message(),
              HasSubstr("no AES key with label \"kek\""));

  for (const KekVersion version : {1U, 2U, 12U}) {
    const auto made = kek->create_version(version, soon());
    ASSERT_TRUE(made) << made.error().message();
  }
  EXPECT_THAT(kek->versions(), ElementsAre(1, 2, 12));
  EXPECT_EQ(kek->active_version(), 12U);
  const auto again = kek->create_version(2, soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kConflict);

  const auto second = kek->wrap(secret, as_bytes("a"), 2, soon());
  ASSERT_TRUE(second);
  EXPECT_THAT(second->key_id, ::testing::StartsWith("kek-v2:"));
  const auto other = provider(options("rotate"));
  EXPECT_THAT(other->versions(), ElementsAre(1, 2, 12));
  EXPECT_TRUE(other->is_current(*second));
  const auto opened = other->unwrap(*second, as_bytes("a"), soon());
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_TRUE(*opened == secret);
  WrappedKey moved = *second;
  moved.version = 1;
  EXPECT_EQ(other->unwrap(moved, as_bytes("a"), soon()).error().code(),
            ErrorCode::kCorrupt);
  const auto probed = other->probe(soon());
  EXPECT_TRUE(probed) << probed.error().message();
}

TEST_F(Pkcs11KekTest, MakesTheFirstKeyWhereItIsTold) {
  Options given = options("make");
  given["generate_key"] = "true";
  given["key_label"] = "made-{version}";
  given["key_id"] = "0xc0ffee";
  const auto kek = provider(given);
  const auto wrapped = kek->wrap(rng().secret(32), as_bytes("a"), 1, soon());
  ASSERT_TRUE(wrapped) << wrapped.error().message();
  EXPECT_EQ(wrapped->key_id, "made-1:c0ffee");
  EXPECT_FALSE(kek->wrap(rng().secret(32), as_bytes("a"), 2, soon()));
}

// A server probes its seal while it is initialised.
TEST_F(Pkcs11KekTest, MakesTheFirstKeyOnceAndNotForAProbe) {
  Options given = options("race");
  given["generate_key"] = "true";
  const auto kek = provider(given);
  EXPECT_TRUE(kek->probe(soon()));
  const SecretBytes secret = rng().secret(32);
  EXPECT_EQ(provider(options("race"))
                ->wrap(secret, as_bytes("a"), 1, soon())
                .error()
                .code(),
            ErrorCode::kNotFound);
  std::vector<Result<WrappedKey>> made(6, fail(internal_error("")));
  std::vector<std::thread> threads;
  for (auto& one : made) {
    threads.emplace_back(
        [&] { one = kek->wrap(secret, as_bytes("a"), 1, soon()); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& one : made) {
    ASSERT_TRUE(one) << one.error().message();
    const auto opened = kek->unwrap(*one, as_bytes("a"), soon());
    EXPECT_TRUE(opened) << opened.error().message();
  }
  EXPECT_TRUE(kek->probe(soon()));
}

TEST_F(Pkcs11KekTest, GivesEachFaultItsCode) {
  const auto fault = [](const Options& given) {
    const auto wrapped =
        provider(given)->wrap(rng().secret(32), as_bytes("a"), 1, soon());
    EXPECT_FALSE(wrapped);
    return wrapped ? Error(ErrorCode::kInternal, "") : wrapped.error();
  };
  Options given = options("bulla");
  given["token_label"] = "absent";
  Error error = fault(given);
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.message(), HasSubstr("token_label \"absent\""));
  EXPECT_THAT(error.message(), HasSubstr("\"bulla\""));

  given = options("bulla");
  given["lib"] = "/no/such/module.so";
  error = fault(given);
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.message(), HasSubstr("\"/no/such/module.so\""));
  given["lib"] = "/lib/x86_64-linux-gnu/libc.so.6";
  error = fault(given);
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.message(), HasSubstr("not a PKCS#11 module"));

  given = options("bulla");
  given["pin"] = "90210";
  error = fault(given);
  EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(error.message(), HasSubstr("CKR_PIN_INCORRECT"));
  EXPECT_THAT(error.message(), Not(HasSubstr("90210")));

  given = options("bulla");
  given["mechanism"] = "CKM_RSA_PKCS_OAEP";
  EXPECT_EQ(fault(given).code(), ErrorCode::kNotFound);
}

TEST_F(Pkcs11KekTest, SignsAndVerifiesInTheToken) {
  Pkcs11Token token(token_of("bulla"));
  Pkcs11Keys keys(token, false, rng());
  const Pkcs11KeyName ec{"signer", {1}};
  const Pkcs11KeyName rsa{"signer", {2}};
  ASSERT_TRUE(keys.generate_ec(ec, Pkcs11Curve::kP256, soon()));
  ASSERT_TRUE(keys.generate_rsa(rsa, 2048, soon()));
  using Scheme = Pkcs11Signing::Scheme;
  const auto hash = crypto::HashAlgorithm::kSha2_256;
  const auto digest = crypto::sha256(as_bytes("message"));
  const auto other = crypto::sha256(as_bytes("another"));
  for (const auto& [name, how] :
       {std::pair{ec, Pkcs11Signing{Scheme::kEcdsa, hash, 0}},
        std::pair{rsa, Pkcs11Signing{Scheme::kRsaPkcs1, hash, 0}},
        std::pair{rsa, Pkcs11Signing{Scheme::kRsaPss, hash, 32}}}) {
    const auto signature = keys.sign(name, how, digest, soon());
    ASSERT_TRUE(signature) << signature.error().message();
    const auto good = keys.verify(name, how, digest, *signature, soon());
    ASSERT_TRUE(good) << good.error().message();
    EXPECT_TRUE(*good);
    const auto bad = keys.verify(name, how, other, *signature, soon());
    ASSERT_TRUE(bad) << bad.error().message();
    EXPECT_FALSE(*bad);
  }
  const Pkcs11Signing wrong{Scheme::kRsaPkcs1, crypto::HashAlgorithm::kSha2_512,
                            0};
  EXPECT_EQ(keys.sign(rsa, wrong, digest, soon()).error().code(),
            ErrorCode::kInvalidArgument);
  const Pkcs11Signing unknown{Scheme::kRsaPss, crypto::HashAlgorithm::kSha3_256,
                              32};
  EXPECT_EQ(keys.sign(rsa, unknown, digest, soon()).error().code(),
            ErrorCode::kUnsupported);
  // Two keys of one name are not chosen between.
  ASSERT_TRUE(keys.generate_ec({"signer", {3}}, Pkcs11Curve::kP384, soon()));
  EXPECT_EQ(keys.sign({"signer", {}}, {}, digest, soon()).error().code(),
            ErrorCode::kConflict);
}

TEST(Pkcs11KekOptions, AreReadAsVaultWritesThem) {
  const auto read = Pkcs11KekOptions::read({{"module", "/m.so"},
                                            {"slot", "0x1f"},
                                            {"token", "T"},
                                            {"pin", "hunter2"},
                                            {"label", "L"},
                                            {"key_id", "0A0b"},
                                            {"mechanism", "0x1087"},
                                            {"hmac_key_label", "ignored"},
                                            {"use_gcm_iv_from_hsm", "true"},
                                            {"max_parallel", "3"}});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->token.module, "/m.so");
  EXPECT_EQ(read->token.slot, 31U);
  EXPECT_EQ(read->token.token_label, "T");
  EXPECT_EQ(as_text(read->token.pin.expose()), "hunter2");
  EXPECT_EQ(read->token.sessions_max, 3U);
  EXPECT_EQ(read->key_label, "L");
  EXPECT_EQ(read->key_id, (Bytes{0x0a, 0x0b}));
  EXPECT_TRUE(read->device_iv);
  EXPECT_EQ(read->name_of(2).label, "L-v2");
  EXPECT_TRUE(read->name_of(2).id.empty());
  EXPECT_EQ(read->version_of("L"), 1U);
  EXPECT_EQ(read->version_of("L-v2"), 2U);
  for (const std::string_view foreign :
       {"", "M", "L-v1", "L-v02", "L-v", "L-vx", "L-v2x", "L-2", "LL-v2"}) {
    EXPECT_EQ(read->version_of(foreign), 0U) << foreign;
  }
}

TEST(Pkcs11KekOptions, PutTheVersionWhereTheLabelSays) {
  const auto read = Pkcs11KekOptions::read(
      {{"lib", "/m.so"}, {"slot", "0"}, {"key_label", "a{version}z"}});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->name_of(7).label, "a7z");
  EXPECT_EQ(read->version_of("a7z"), 7U);
  EXPECT_EQ(read->version_of("a1z"), 1U);
  EXPECT_EQ(read->version_of("a{version}z"), 0U);
  EXPECT_EQ(read->version_of("a7"), 0U);
}

TEST(Pkcs11KekOptions, SayWhatIsWrong) {
  const Options good = {{"lib", "/m.so"}, {"slot", "0"}, {"key_label", "L"}};
  const auto error = [&](const Options& change, const std::string& drop = "") {
    Options given = good;
    given.erase(drop);
    for (const auto& [key, value] : change) given[key] = value;
    const auto made = make_provider("pkcs11", "", given, rng());
    EXPECT_FALSE(made);
    return made ? "" : made.error().message();
  };
  EXPECT_THAT(error({}, "lib"), HasSubstr("lib is missing"));
  EXPECT_THAT(error({}, "slot"), HasSubstr("token_label or slot"));
  EXPECT_THAT(error({}, "key_label"), HasSubstr("key_label is missing"));
  EXPECT_THAT(error({{"slot", "one"}}), HasSubstr("slot: expected a whole"));
  EXPECT_THAT(error({{"key_id", "xyz"}}), HasSubstr("key_id: expected hex"));
  EXPECT_THAT(error({{"mechanism", "CKM_AES_CBC_PAD"}}),
              HasSubstr("mechanism: expected CKM_AES_GCM"));
  EXPECT_THAT(error({{"rsa_oaep_hash", "md5"}}), HasSubstr("rsa_oaep_hash"));
  EXPECT_THAT(error({{"use_gcm_iv_from_hsm", "x"}}),
              HasSubstr("true or false"));
  EXPECT_THAT(error({{"module", "/n.so"}}), HasSubstr("are one option"));
  EXPECT_THAT(error({{"pni", "x"}}), HasSubstr("unknown option \"pni\""));
  EXPECT_THAT(error({{"pin", "env://BULLA_TEST_NOT_SET"}}),
              HasSubstr("pin: the environment variable"));
  EXPECT_THAT(error({{"key_label", std::string(101, 'x')}}),
              HasSubstr("longer than"));
}

TEST(Pkcs11KekOptions, GiveWayToTheEnvironment) {
  ::setenv("VAULT_HSM_PIN", "1111", 1);
  ::setenv("BAO_HSM_PIN", "2222", 1);
  ::setenv("BULLA_HSM_KEY_LABEL", "E", 1);
  const auto read = Pkcs11KekOptions::read(
      {{"lib", "/m.so"}, {"slot", "0"}, {"key_label", "L"}, {"pin", "3333"}});
  for (const char* name :
       {"VAULT_HSM_PIN", "BAO_HSM_PIN", "BULLA_HSM_KEY_LABEL"}) {
    ::unsetenv(name);
  }
  ASSERT_TRUE(read);
  EXPECT_EQ(as_text(read->token.pin.expose()), "2222");
  EXPECT_EQ(read->key_label, "E");
}

TEST(Pkcs11Blob, IsWrittenAsThePageSays) {
  Pkcs11Blob blob;
  blob.iv = Bytes(12, 0xab);
  blob.sealed = Bytes(20, 0xcd);
  EXPECT_EQ(hex_encode(blob.serialise()),
            "0101"
            "0000000c"
            "abababababababababababab"
            "00000014"
            "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
  blob.mechanism = Pkcs11Blob::Mechanism::kRsaOaep;
  EXPECT_FALSE(Pkcs11Blob::parse(blob.serialise()));
  blob.iv.clear();
  EXPECT_TRUE(Pkcs11Blob::parse(blob.serialise()));
}

}  // namespace
}  // namespace bulla::kek
