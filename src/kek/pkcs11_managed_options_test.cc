#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kek/pkcs11_managed_key.h"

namespace bulla::kek {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Options = Pkcs11ManagedKeyOptions;
using Words = Options::Words;
using Mechanism = Options::Mechanism;

const Words kLibraries = {{"hsm", "/opt/vendor/p11.so"}};
const Words kLeast = {{"library", "hsm"},
                      {"token_label", "t"},
                      {"key_label", "k"},
                      {"mechanism", "0x1087"}};

Result<Options> read(const Words& changes, std::string_view pin = "987654") {
  Words words = kLeast;
  for (const auto& [name, text] : changes) words[name] = text;
  return Options::read(words, SecretBytes::copy_of(as_bytes(pin)), kLibraries);
}

TEST(Pkcs11ManagedOptions, AreReadAsVaultNamesThem) {
  const auto least = read({}).value();
  EXPECT_EQ(least.token.module, "/opt/vendor/p11.so");
  EXPECT_EQ(least.mechanism, Mechanism::kAesGcm);
  EXPECT_FALSE(least.generate);
  EXPECT_EQ(least.key_bits, 0U);
  const auto all = read({{"slot", "0x10"},
                         {"key_id", "0x0a1b"},
                         {"mechanism", "CKM_ECDSA"},
                         {"curve", "P384"},
                         {"key_bits", "384"},
                         {"rsa_oaep_hash", "sha1"},
                         {"allow_generate_key", "true"}})
                       .value();
  EXPECT_EQ(all.token.slot, 16U);
  EXPECT_EQ(all.key.id, (Bytes{0x0a, 0x1b}));
  EXPECT_EQ(all.mechanism, Mechanism::kEcdsa);
  EXPECT_EQ(all.curve, Pkcs11Curve::kP384);
  EXPECT_EQ(all.oaep_hash, crypto::HashAlgorithm::kSha1);
  EXPECT_TRUE(all.generate);
}

TEST(Pkcs11ManagedOptions, TakeMechanismsByNameAndNumber) {
  for (const auto& [text, mechanism] : std::map<std::string, Mechanism>{
           {"9", Mechanism::kRsaOaep},
           {"0x0001", Mechanism::kRsaPkcs1},
           {"CKM_RSA_PKCS_PSS", Mechanism::kRsaPss},
           {"0x1041", Mechanism::kEcdsa}}) {
    EXPECT_EQ(read({{"mechanism", text}}).value().mechanism, mechanism) << text;
  }
}

TEST(Pkcs11ManagedOptions, SayWhatIsWrong) {
  const std::pair<Words, const char*> kWrong[] = {
      {{{"library", ""}}, "library is missing"},
      // A path is no name, not even the one that a name stands for.
      {{{"library", "/opt/vendor/p11.so"}}, "no kms_library called"},
      {{{"token_label", ""}}, "token_label or slot is missing"},
      {{{"key_label", ""}}, "key_label or key_id is missing"},
      {{{"key_label", std::string(101, 'k')}}, "longer than 100 bytes"},
      {{{"key_id", "xy"}}, "key_id: expected hexadecimal"},
      {{{"slot", "one"}}, "slot: expected a whole number"},
      {{{"mechanism", ""}}, "mechanism: expected CKM_AES_GCM"},
      {{{"mechanism", "0x1082"}}, "mechanism: expected CKM_AES_GCM"},
      {{{"rsa_oaep_hash", "md5"}}, "rsa_oaep_hash: expected"},
      {{{"curve", "P224"}}, "curve: expected"},
      {{{"key_bits", "-1"}}, "key_bits: expected a whole number"},
      {{{"allow_generate_key", "si"}}, "expected true or false"},
      {{{"pine", "x"}}, "unknown parameter \"pine\""},
  };
  for (const auto& [words, text] : kWrong) {
    const auto refused = read(words);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message(), HasSubstr(text));
    EXPECT_THAT(refused.error().message(), Not(HasSubstr("987654")));
  }
  EXPECT_THAT(read({}, "").error().message(), HasSubstr("pin is missing"));
}

}  // namespace
}  // namespace bulla::kek
