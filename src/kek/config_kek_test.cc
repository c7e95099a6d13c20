#include "kek/config_kek.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/encoding.h"
#include "kek/conformance.h"
#include "kek/provider_factory.h"

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

std::string text_of(std::uint8_t fill) {
  return base64_encode(Bytes(32, fill));
}

std::unique_ptr<KekProvider> provider(std::uint8_t current,
                                      std::uint8_t next = 0) {
  Options options{{"kek", text_of(current)}};
  if (next != 0) options["rotation_kek"] = text_of(next);
  return make_provider("config", "", options, rng()).value();
}

WrappedKey wrapped_by(KekProvider& kek, const SecretBytes& key,
                      KekVersion version) {
  return kek.wrap(key, as_bytes("a"), version, conformance::soon()).value();
}

Result<SecretBytes> opened_by(KekProvider& kek, const WrappedKey& wrapped) {
  return kek.unwrap(wrapped, as_bytes("a"), conformance::soon());
}

TEST(ConfigKek, Conforms) {
  check_conformance({.make = [] { return provider(1); },
                     .make_with_other_key = [] { return provider(2); }});
  check_conformance({.make = [] { return provider(1, 2); },
                     .make_with_other_key = [] { return provider(3, 4); }});
}

// The procedure: add the block, rotate, promote and drop the block; again.
TEST(ConfigKek, IsRotatedByTheFile) {
  const SecretBytes secret = rng().secret(32);
  const WrappedKey first = wrapped_by(*provider(1), secret, 1);

  const auto both = provider(1, 2);
  ASSERT_TRUE(opened_by(*both, first));
  EXPECT_THAT(both->versions(), ElementsAre(1, 2));
  EXPECT_EQ(both->active_version(), 1U);
  const WrappedKey second = wrapped_by(*both, secret, 2);
  EXPECT_TRUE(both->is_current(second));
  EXPECT_TRUE(both->is_current(first));
  // A restart before the new KEK is promoted.
  EXPECT_TRUE(opened_by(*provider(1, 2), second));

  const auto promoted = provider(2);
  ASSERT_TRUE(opened_by(*promoted, second));
  EXPECT_THAT(promoted->versions(), ElementsAre(2));
  EXPECT_TRUE(promoted->is_current(second));

  const auto again = provider(2, 3);
  again->adopt(second.version, second.key_id);
  EXPECT_THAT(again->versions(), ElementsAre(2, 3));
  const WrappedKey third = wrapped_by(*again, secret, 3);
  const auto last = provider(3);
  const auto opened = opened_by(*last, third);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(*opened == secret);
  EXPECT_EQ(last->active_version(), 3U);
}

TEST(ConfigKek, NamesTheFingerprintsOfAWrongKey) {
  const auto right = provider(2);
  const WrappedKey wrapped = wrapped_by(*right, rng().secret(32), 1);
  const auto old = provider(1, 3);
  const auto opened = opened_by(*old, wrapped);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  const std::string& message = opened.error().message();
  EXPECT_THAT(message, HasSubstr(wrapped.key_id));
  EXPECT_THAT(message, HasSubstr(wrapped_by(*old, rng().secret(32), 1).key_id));
  EXPECT_THAT(message, HasSubstr(wrapped_by(*old, rng().secret(32), 2).key_id));
  EXPECT_FALSE(old->is_current(wrapped));
}

TEST(ConfigKek, DoesNotBelieveAForgedNumber) {
  const auto kek = provider(1, 2);
  WrappedKey wrapped = wrapped_by(*kek, rng().secret(32), 1);
  for (const KekVersion forged : {0U, 2U, 3U, 0xffffffffU}) {
    wrapped.version = forged;
    EXPECT_FALSE(opened_by(*kek, wrapped)) << forged;
    EXPECT_THAT(kek->versions(), ElementsAre(1, 2));
  }
}

TEST(ConfigKek, KnowsItsKeysInEitherPlace) {
  const auto kek = provider(2, 1);
  const WrappedKey wrapped = wrapped_by(*provider(1), rng().secret(32), 1);
  ASSERT_TRUE(opened_by(*kek, wrapped));
  EXPECT_THAT(kek->versions(), ElementsAre(1, 2));
  EXPECT_EQ(kek->active_version(), 2U);
  EXPECT_TRUE(kek->is_current(wrapped));
  kek->adopt(7, "unknown");
  kek->adopt(0, wrapped.key_id);
  EXPECT_EQ(kek->active_version(), 2U);
  kek->adopt(9, wrapped.key_id);
  EXPECT_THAT(kek->versions(), ElementsAre(8, 9));
}

TEST(ConfigKek, RefusesWhatIsNoKey) {
  const auto error = [](const Options& options) {
    const auto made = make_provider("config", "", options, rng());
    if (made) return std::string();
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    return made.error().message();
  };
  EXPECT_THAT(error({}), HasSubstr("kek is missing"));
  EXPECT_THAT(error({{"kek", text_of(1)}, {"kec", "x"}}),
              HasSubstr("unknown option \"kec\""));
  EXPECT_THAT(error({{"kek", text_of(1)}, {"rotation_kek", text_of(1)}}),
              HasSubstr("is the current KEK"));
  for (const std::string& bad :
       {std::string(), std::string("hunter2"), base64_encode(Bytes(31, 7)),
        base64_encode(Bytes(33, 7)), std::string(64, 'a'),
        "hunter2" + std::string(37, '*'),
        "hunter2" + std::string(36, 'a') + "\n"}) {
    EXPECT_THAT(error({{"kek", bad}}),
                HasSubstr("kek: expected base64 of exactly 32 bytes"));
    EXPECT_THAT(error({{"kek", bad}}), Not(HasSubstr("hunter2")));
    EXPECT_THAT(error({{"kek", text_of(1)}, {"rotation_kek", bad}}),
                HasSubstr("rotation_kek: expected base64"));
  }
  EXPECT_THAT(error({{"kek", "env://BULLA_TEST_NOT_SET"}}),
              HasSubstr("BULLA_TEST_NOT_SET"));
  ::setenv("BULLA_TEST_CONFIG_KEK", text_of(1).c_str(), 1);
  EXPECT_EQ(error({{"kek", "env://BULLA_TEST_CONFIG_KEK"}}), "");
  ::unsetenv("BULLA_TEST_CONFIG_KEK");
}

}  // namespace
}  // namespace bulla::kek
