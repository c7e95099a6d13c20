#include "kek/passphrase_kek.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/encoding.h"
#include "kek/conformance.h"
#include "kek/provider_factory.h"

namespace bulla::kek {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Options = std::map<std::string, std::string>;

constexpr crypto::Argon2Cost kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

SecretBytes secret_of(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}

std::unique_ptr<PassphraseKek> provider(
    std::string_view passphrase, const crypto::Argon2Cost& cost = kCheap) {
  return PassphraseKek::create("p", secret_of(passphrase), cost, rng()).value();
}

WrappedKey wrapped_by(KekProvider& kek, const SecretBytes& key) {
  return kek.wrap(key, as_bytes("a"), 1, conformance::soon()).value();
}

Result<SecretBytes> opened_by(KekProvider& kek, const WrappedKey& wrapped) {
  return kek.unwrap(wrapped, as_bytes("a"), conformance::soon());
}

TEST(PassphraseKek, Conforms) {
  check_conformance(
      {.make = [] { return provider("correct horse"); },
       .make_with_other_key = [] { return provider("battery staple"); }});
}

TEST(PassphraseKek, OpensWithThePassphraseOfAPerson) {
  const SecretBytes secret = rng().secret(32);
  const WrappedKey wrapped = wrapped_by(*provider("correct horse"), secret);
  const auto kek = provider("");
  EXPECT_FALSE(kek->automatic());
  auto opened = opened_by(*kek, wrapped);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(kek->wrap(secret, {}, 1, conformance::soon()).error().code(),
            ErrorCode::kPermissionDenied);

  const auto submit = [&](std::string_view passphrase) {
    return kek->open(wrapped, as_bytes("a"), secret_of(passphrase),
                     conformance::soon());
  };
  opened = submit("incorrect horse");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr("wrong passphrase"));
  EXPECT_FALSE(opened_by(*kek, wrapped));
  opened = submit("correct horse");
  ASSERT_TRUE(opened);
  EXPECT_TRUE(*opened == secret);

  // From now on it wraps and unwraps by itself, as a rekey needs it.
  const SecretBytes other = rng().secret(32);
  const WrappedKey again = wrapped_by(*kek, other);
  EXPECT_EQ(again.key_id, wrapped.key_id);
  EXPECT_TRUE(kek->is_current(again));
  ASSERT_TRUE(opened_by(*kek, again));
  EXPECT_TRUE(*opened_by(*provider("correct horse"), again) == other);
  kek->forget();
  EXPECT_FALSE(opened_by(*kek, again));
}

TEST(PassphraseKek, DerivesANewKekForANewPasskey) {
  const auto made =
      PassphraseKek::derive("p", secret_of("correct horse"), kCheap, rng());
  ASSERT_TRUE(made);
  EXPECT_FALSE((*made)->automatic());
  const SecretBytes secret = rng().secret(32);
  const WrappedKey wrapped = wrapped_by(**made, secret);
  EXPECT_TRUE(*opened_by(*provider("correct horse"), wrapped) == secret);
  const auto other =
      PassphraseKek::derive("p", secret_of("correct horse"), kCheap, rng());
  ASSERT_TRUE(other);
  EXPECT_NE(wrapped_by(**other, secret).key_id, wrapped.key_id);
  EXPECT_EQ(opened_by(**other, wrapped).error().code(), ErrorCode::kCorrupt);
  EXPECT_FALSE(PassphraseKek::derive("p", SecretBytes(), kCheap, rng()));
}

TEST(PassphraseKek, FollowsTheConfiguredCosts) {
  const SecretBytes secret = rng().secret(32);
  const WrappedKey wrapped = wrapped_by(*provider("correct horse"), secret);
  const auto dearer =
      provider("correct horse", {.memory_kib = 128, .passes = 2, .lanes = 2});
  ASSERT_TRUE(opened_by(*dearer, wrapped));
  EXPECT_FALSE(dearer->is_current(wrapped));
  const WrappedKey again = wrapped_by(*dearer, secret);
  EXPECT_TRUE(dearer->is_current(again));
  EXPECT_NE(again.key_id, wrapped.key_id);
  const auto blob = PassphraseBlob::parse(again.blob);
  ASSERT_TRUE(blob);
  EXPECT_EQ(blob->cost.memory_kib, 128U);
  EXPECT_EQ(blob->cost.passes, 2U);
  EXPECT_EQ(blob->cost.lanes, 2U);
}

TEST(PassphraseKek, DoesNotStartPastTheDeadline) {
  const auto past = std::chrono::steady_clock::now();
  const auto wrapped =
      provider("correct horse")->wrap(rng().secret(32), {}, 1, past);
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
}

TEST(PassphraseKek, ReadsItsOptions) {
  const auto error = [](const Options& options) {
    const auto made = make_provider("passphrase", "", options, rng());
    if (made) return std::string();
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(made.error().message(), Not(HasSubstr("hunter2")));
    return made.error().message();
  };
  EXPECT_EQ(error({}), "");
  EXPECT_EQ(error({{"passphrase", "hunter2"}}), "");
  EXPECT_THAT(error({{"passphrase", ""}}), HasSubstr("empty"));
  EXPECT_THAT(error({{"passphrase", std::string(5000, 'x')}}),
              HasSubstr("longer than"));
  EXPECT_THAT(error({{"passphrase", "env://BULLA_TEST_NOT_SET"}}),
              HasSubstr("\"BULLA_TEST_NOT_SET\" is not set"));
  EXPECT_THAT(error({{"pass", "hunter2"}}), HasSubstr("unknown option"));
  EXPECT_THAT(error({{"argon2_memory_kib", "much"}}),
              HasSubstr("argon2_memory_kib: expected a whole number"));
  EXPECT_THAT(error({{"argon2_memory_kib", "7"}}), HasSubstr("between 8 and"));
  EXPECT_THAT(error({{"argon2_memory_kib", "2000000"}}), HasSubstr("between"));
  EXPECT_THAT(error({{"argon2_passes", "0"}}), HasSubstr("argon2_passes"));
  EXPECT_THAT(error({{"argon2_lanes", "17"}}), HasSubstr("argon2_lanes"));
  EXPECT_THAT(
      error({{"argon2_memory_kib", "1048576"}, {"argon2_passes", "64"}}),
      HasSubstr("times"));
}

PassphraseBlob golden() {
  PassphraseBlob blob;
  blob.cost = {.memory_kib = 65536, .passes = 3, .lanes = 1};
  blob.salt = Bytes(16, 0xab);
  blob.sealed = Bytes(60, 0xcd);
  return blob;
}

TEST(PassphraseBlob, IsWrittenAsThePageSays) {
  std::string expected =
      "01"
      "00010000"
      "00000003"
      "00000001"
      "00000010";
  for (int i = 0; i < 16; ++i) expected += "ab";
  expected += "0000003c";
  for (int i = 0; i < 60; ++i) expected += "cd";
  EXPECT_EQ(hex_encode(golden().serialise()), expected);
}

TEST(PassphraseBlob, RefusesCostsThatWouldStallTheServer) {
  const auto code = [](const PassphraseBlob& blob) {
    const auto parsed = PassphraseBlob::parse(blob.serialise());
    return parsed ? ErrorCode::kInternal : parsed.error().code();
  };
  EXPECT_EQ(code(golden()), ErrorCode::kInternal);
  for (const crypto::Argon2Cost& cost : {crypto::Argon2Cost{0xffffffff, 1, 1},
                                         {65536, 0xffffffff, 1},
                                         {65536, 3, 0xffffffff},
                                         {1024 * 1024, 64, 1},
                                         {0, 1, 1},
                                         {64, 0, 1},
                                         {64, 1, 0},
                                         {64, 1, 16}}) {
    PassphraseBlob blob = golden();
    blob.cost = cost;
    EXPECT_EQ(code(blob), ErrorCode::kCorrupt);
  }
  PassphraseBlob blob = golden();
  blob.salt.pop_back();
  EXPECT_EQ(code(blob), ErrorCode::kCorrupt);
  blob = golden();
  blob.sealed.resize(GcmKek::kOverheadBytes);
  EXPECT_EQ(code(blob), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bulla::kek
