// The pkcs11 provider over the fake module: what SoftHSM does not do wrong, and
// does not mind being done.

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "kek/conformance.h"
#include "kek/fake_pkcs11.h"
#include "kek/pkcs11_kek.h"
#include "kek/pkcs11_keys.h"
#include "kek/pkcs11_managed_key.h"
#include "kek/provider_factory.h"

namespace bulla::kek {
namespace {

using ::testing::HasSubstr;
using Options = std::map<std::string, std::string>;

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

Deadline soon() { return conformance::soon(); }

Options options() {
  return {{"lib", BULLA_FAKE_PKCS11},
          {"token_label", "fake"},
          {"pin", "1234"},
          {"key_label", "kek"}};
}

std::unique_ptr<KekProvider> provider(const Options& given = options()) {
  return make_provider("pkcs11", "", given, rng()).value();
}

class Pkcs11Faults : public ::testing::Test {
 protected:
  Pkcs11Faults() {
    void* const handle = ::dlopen(BULLA_FAKE_PKCS11, RTLD_NOW | RTLD_LOCAL);
    fake_ = static_cast<fake_pkcs11_control*>(::dlsym(handle, "fake_pkcs11"));
    *fake_ = fake_pkcs11_control{};
    fake_->tag_bytes = 16;
    const auto made = provider()->create_version(1, soon());
    EXPECT_TRUE(made || made.error().code() == ErrorCode::kConflict)
        << made.error().message();
  }
  ~Pkcs11Faults() override {
    EXPECT_EQ(fake_->faults, 0) << "breaches of the standard";
    EXPECT_EQ(fake_->sessions_open, 0) << "sessions left open";
  }
  static Result<WrappedKey> wrap(KekProvider& kek) {
    return kek.wrap(rng().secret(32), as_bytes("a"), 1, soon());
  }
  static Result<SecretBytes> unwrap(KekProvider& kek, const WrappedKey& key) {
    return kek.unwrap(key, as_bytes("a"), soon());
  }
  // The error of a first wrap.
  static Error wrap_error(const Options& given = options()) {
    const auto wrapped = wrap(*provider(given));
    EXPECT_FALSE(wrapped);
    return wrapped ? Error(ErrorCode::kInternal, "") : wrapped.error();
  }
  void fail_next(const char* function, unsigned long answer, int times) {
    fake_->fail_function = function;
    fake_->fail_answer = answer;
    fake_->fail_times = times;
  }
  fake_pkcs11_control* fake_;
};

TEST_F(Pkcs11Faults, AStrictModuleHasNothingToSay) {
  const auto kek = provider();
  const auto wrapped = wrap(*kek);
  ASSERT_TRUE(wrapped) << wrapped.error().message();
  EXPECT_TRUE(unwrap(*kek, *wrapped));
  conformance::check_round_trip(
      {.make = [] { return provider(); }, .make_with_other_key = {}});
  conformance::check_hostile_blobs(
      {.make = [] { return provider(); }, .make_with_other_key = {}});
}

TEST_F(Pkcs11Faults, LostSessionsAreMadeGood) {
  const auto kek = provider();
  const auto wrapped = wrap(*kek);
  ASSERT_TRUE(wrapped);
  fake_->lose_sessions = 1;
  auto opened = unwrap(*kek, *wrapped);
  EXPECT_TRUE(opened) << opened.error().message();
  for (const char* function :
       {"C_FindObjectsInit", "C_FindObjects", "C_GetAttributeValue",
        "C_EncryptInit", "C_Encrypt"}) {
    fail_next(function, CKR_SESSION_HANDLE_INVALID, 1);
    const auto again = wrap(*kek);
    EXPECT_TRUE(again) << function << ": " << again.error().message();
    EXPECT_EQ(fake_->fail_times, 0) << function;
  }
  fail_next("C_Decrypt", CKR_SESSION_CLOSED, 1);
  EXPECT_TRUE(unwrap(*kek, *wrapped));
  fail_next("C_DecryptInit", CKR_USER_NOT_LOGGED_IN, 1);
  EXPECT_TRUE(unwrap(*kek, *wrapped));
  fail_next("C_DecryptInit", CKR_KEY_HANDLE_INVALID, 1);
  EXPECT_TRUE(unwrap(*kek, *wrapped));
}

TEST_F(Pkcs11Faults, ADeviceThatComesBackIsUsedAgain) {
  const auto kek = provider();
  const auto wrapped = wrap(*kek);
  ASSERT_TRUE(wrapped);
  const int logins = fake_->logins;
  fake_->removed_calls = 2;
  auto opened = unwrap(*kek, *wrapped);
  EXPECT_TRUE(opened) << opened.error().message();
  EXPECT_GT(fake_->logins, logins);

  fake_->removed_calls = 1'000'000;
  opened = unwrap(*kek, *wrapped);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(kek->probe(soon()).error().code(), ErrorCode::kUnavailable);
  fake_->removed_calls = 0;
  EXPECT_TRUE(unwrap(*kek, *wrapped));
  EXPECT_TRUE(kek->probe(soon()));
}

TEST_F(Pkcs11Faults, AServerStartsWithoutItsDevice) {
  const auto wrapped = wrap(*provider());
  ASSERT_TRUE(wrapped);
  fake_->removed_calls = 1'000'000;
  const auto kek = provider();
  EXPECT_THAT(kek->versions(), ::testing::ElementsAre(1));
  EXPECT_EQ(unwrap(*kek, *wrapped).error().code(), ErrorCode::kUnavailable);
  fake_->removed_calls = 0;
  EXPECT_TRUE(unwrap(*kek, *wrapped));
}

TEST_F(Pkcs11Faults, AModuleThatForgotItIsInitialisedIsReminded) {
  const auto kek = provider();
  const auto wrapped = wrap(*kek);
  ASSERT_TRUE(wrapped);
  fail_next("C_DecryptInit", CKR_CRYPTOKI_NOT_INITIALIZED, 1);
  EXPECT_TRUE(unwrap(*kek, *wrapped));
}

// Many modules look for their devices when they are initialised, and never
// again.
TEST_F(Pkcs11Faults, ADeviceThatIsSeenOnlyAtInitialisationIsFound) {
  const auto wrapped = wrap(*provider());
  ASSERT_TRUE(wrapped);
  fake_->absent = 1;
  const auto kek = provider();
  EXPECT_EQ(unwrap(*kek, *wrapped).error().code(), ErrorCode::kUnavailable);
  fake_->absent = 0;
  const auto opened = unwrap(*kek, *wrapped);
  EXPECT_TRUE(opened) << opened.error().message();
  // Not where another one's sessions would end with it.
  const auto other = provider();
  Options elsewhere = options();
  elsewhere["token_label"] = "another";
  EXPECT_EQ(wrap_error(elsewhere).code(), ErrorCode::kUnavailable);
  fake_->absent = 1;
  EXPECT_TRUE(unwrap(*other, *wrapped));
}

TEST_F(Pkcs11Faults, AWrongPinIsTriedOnce) {
  Options given = options();
  given["pin"] = "90210";
  const auto kek = provider(given);
  const int logins = fake_->logins;
  for (int i = 0; i < 3; ++i) {
    const auto wrapped = wrap(*kek);
    ASSERT_FALSE(wrapped);
    EXPECT_EQ(wrapped.error().code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(wrapped.error().message(), HasSubstr("CKR_PIN_INCORRECT"));
    EXPECT_THAT(wrapped.error().message(), HasSubstr("not tried again"));
  }
  // The look at construction was the one.
  EXPECT_EQ(fake_->logins, logins);
}

TEST_F(Pkcs11Faults, EachAnswerHasItsCode) {
  const auto kek = provider();
  const auto wrapped = wrap(*kek);
  ASSERT_TRUE(wrapped);
  const std::pair<unsigned long, ErrorCode> cases[] = {
      {CKR_ENCRYPTED_DATA_INVALID, ErrorCode::kCorrupt},
      {CKR_ENCRYPTED_DATA_LEN_RANGE, ErrorCode::kCorrupt},
      {0x42, ErrorCode::kCorrupt},
      {CKR_KEY_FUNCTION_NOT_PERMITTED, ErrorCode::kPermissionDenied},
      {CKR_MECHANISM_INVALID, ErrorCode::kUnsupported},
      {CKR_DEVICE_MEMORY, ErrorCode::kUnavailable},
      {CKR_VENDOR_DEFINED | 5, ErrorCode::kUnavailable},
  };
  for (const auto& [answer, code] : cases) {
    fail_next("C_Decrypt", answer, 1);
    const auto opened = unwrap(*kek, *wrapped);
    ASSERT_FALSE(opened) << answer;
    EXPECT_EQ(opened.error().code(), code) << opened.error().message();
    EXPECT_TRUE(unwrap(*kek, *wrapped));
  }
  // A general error is forgery where the device works, and the device's own
  // where it does not.
  fail_next("C_Decrypt", CKR_GENERAL_ERROR, 1);
  EXPECT_EQ(unwrap(*kek, *wrapped).error().code(), ErrorCode::kCorrupt);
  fail_next("C_Decrypt", CKR_GENERAL_ERROR, 100);
  EXPECT_EQ(unwrap(*kek, *wrapped).error().code(), ErrorCode::kUnavailable);
}

TEST_F(Pkcs11Faults, TheDeviceMayMakeTheIv) {
  Options given = options();
  given["use_gcm_iv_from_hsm"] = "true";
  for (const int mode : {1, 2}) {
    fake_->iv_mode = mode;
    const auto kek = provider(given);
    const auto wrapped = wrap(*kek);
    ASSERT_TRUE(wrapped) << mode << ": " << wrapped.error().message();
    const auto opened = unwrap(*kek, *wrapped);
    EXPECT_TRUE(opened) << mode << ": " << opened.error().message();
    // Who does not ask for such IVs opens it all the same.
    EXPECT_TRUE(unwrap(*provider(), *wrapped));
  }
  fake_->iv_mode = 3;
  Error error = wrap_error(given);
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("use_gcm_iv_from_hsm"));
  fake_->iv_mode = 4;
  error = wrap_error(given);
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("one IV twice"));
}

TEST_F(Pkcs11Faults, NothingIsWrappedByADeviceThatFailsTheProbe) {
  for (const int bytes : {2, 12, 15}) {
    fake_->tag_bytes = bytes;
    const Error error = wrap_error();
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << bytes;
    EXPECT_THAT(error.message(), HasSubstr("not a tag of 16 bytes"));
  }
  fake_->tag_bytes = 16;
  fake_->accept_forgeries = 1;
  const Error error = wrap_error();
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("not authenticated"));
  const auto made = provider()->create_version(2, soon());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(provider()->versions(), ::testing::ElementsAre(1));
}

TEST_F(Pkcs11Faults, ASlowDeviceIsWaitedForUntilTheDeadline) {
  const auto kek = provider();
  ASSERT_TRUE(wrap(*kek));
  fake_->sleep_ms = 1500;
  const auto start = std::chrono::steady_clock::now();
  const auto wrapped = kek->wrap(rng().secret(32), as_bytes("a"), 1,
                                 start + std::chrono::milliseconds(100));
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(1000));
  fake_->sleep_ms = 0;
  EXPECT_TRUE(wrap(*kek));
  // The call that is waited for no longer ends before the fake is looked at.
  std::this_thread::sleep_for(std::chrono::milliseconds(2000));
}

TEST_F(Pkcs11Faults, ManyThreadsShareFewSessions) {
  Options given = options();
  given["max_parallel"] = "3";
  const auto kek = provider(given);
  ASSERT_TRUE(wrap(*kek));
  fake_->sleep_ms = 1;
  fake_->sessions_open_max = 0;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 20; ++turn) {
        if (i == 0 && turn % 5 == 2) fake_->lose_sessions = 1;
        const auto wrapped = wrap(*kek);
        if (wrapped && unwrap(*kek, *wrapped)) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 160);
  EXPECT_LE(fake_->sessions_open_max, 6);  // those lost, and their successors
}

Pkcs11ManagedKeyOptions managed_options() {
  Pkcs11ManagedKeyOptions given;
  given.token.module = BULLA_FAKE_PKCS11;
  given.token.token_label = "fake";
  given.token.pin = SecretBytes::copy_of(as_bytes("1234"));
  given.key.label = "kek";
  return given;
}

TEST_F(Pkcs11Faults, AManagedKeyOutlivesItsDevice) {
  const auto key = Pkcs11ManagedKey::create(managed_options(), rng()).value();
  ASSERT_TRUE(key->prepare(soon()));
  const auto sealed = key->encrypt(as_bytes("text"), {}, soon()).value();
  fake_->lose_sessions = 1;
  EXPECT_TRUE(key->decrypt(sealed, {}, soon()));
  fake_->removed_calls = 1'000'000;
  const auto away = key->decrypt(sealed, {}, soon());
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code(), ErrorCode::kUnavailable);
  fake_->removed_calls = 0;
  EXPECT_TRUE(key->decrypt(sealed, {}, soon()));
}

// Whoever asks next does not wait as long as the first one did.
TEST_F(Pkcs11Faults, AManagedKeyOfADeviceThatHangsIsRefusedAtOnce) {
  const auto key = Pkcs11ManagedKey::create(managed_options(), rng()).value();
  ASSERT_TRUE(key->prepare(soon()));
  fake_->sleep_ms = 500;
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto late =
      key->encrypt(as_bytes("x"), {}, now() + std::chrono::milliseconds(50));
  ASSERT_FALSE(late);
  const auto start = now();
  const auto refused = key->encrypt(as_bytes("x"), {}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  EXPECT_LT(now() - start, std::chrono::milliseconds(100));
  fake_->sleep_ms = 0;
  Result<Bytes> sealed = fail(unavailable("not yet"));
  for (int i = 0; i < 200 && !sealed; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    sealed = key->encrypt(as_bytes("x"), {}, soon());
  }
  EXPECT_TRUE(sealed);
}

TEST_F(Pkcs11Faults, AManagedKeyTakesTheDevicesIv) {
  for (const int mode : {1, 2}) {
    fake_->iv_mode = mode;
    auto given = managed_options();
    given.device_iv = true;
    const auto key = Pkcs11ManagedKey::create(std::move(given), rng()).value();
    ASSERT_TRUE(key->prepare(soon())) << mode;
    const auto sealed = key->encrypt(as_bytes("text"), {}, soon()).value();
    EXPECT_TRUE(key->decrypt(sealed, {}, soon())) << mode;
  }
}

TEST_F(Pkcs11Faults, AManagedKeyWantsAuthenticatedEncryption) {
  fake_->accept_forgeries = 1;
  const auto key = Pkcs11ManagedKey::create(managed_options(), rng()).value();
  const auto refused = key->prepare(soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace bulla::kek
