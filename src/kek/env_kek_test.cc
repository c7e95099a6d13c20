#include "kek/env_kek.h"

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

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

SecretBytes key_of(std::uint8_t fill) {
  return SecretBytes::copy_of(Bytes(32, fill));
}

// Version and the byte that its key is made of.
using Keys = std::vector<std::pair<KekVersion, std::uint8_t>>;

Result<std::unique_ptr<KekProvider>> made_of(const Keys& keys) {
  std::map<KekVersion, SecretBytes> map;
  for (const auto& [version, fill] : keys) map.emplace(version, key_of(fill));
  return EnvKek::create("env", map, rng());
}

std::unique_ptr<KekProvider> provider(const Keys& keys) {
  return made_of(keys).value();
}

WrappedKey wrapped_by(KekProvider& kek, const SecretBytes& key,
                      KekVersion version) {
  return kek.wrap(key, as_bytes("a"), version, conformance::soon()).value();
}

TEST(EnvKek, Conforms) {
  check_conformance({.make =
                         [] {
                           return provider({{1, 1}, {2, 2}});
                         },
                     .make_with_other_key =
                         [] {
                           return provider({{1, 8}, {2, 9}});
                         }});
}

TEST(EnvKek, HoldsEveryVersionAtOnce) {
  const auto kek = provider({{7, 1}, {1, 2}, {12, 3}});
  EXPECT_THAT(kek->versions(), ElementsAre(1, 7, 12));
  EXPECT_EQ(kek->active_version(), 12U);
  const SecretBytes secret = rng().secret(32);
  const WrappedKey wrapped = wrapped_by(*kek, secret, 7);
  EXPECT_TRUE(kek->is_current(wrapped));
  const auto alone = provider({{7, 1}});
  const auto opened =
      alone->unwrap(wrapped, as_bytes("a"), conformance::soon());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(*opened == secret);
}

TEST(EnvKek, SaysWhichVersionIsMissing) {
  const WrappedKey wrapped =
      wrapped_by(*provider({{3, 1}}), rng().secret(32), 3);
  const auto kek = provider({{1, 2}, {2, 3}});
  const auto opened = kek->unwrap(wrapped, as_bytes("a"), conformance::soon());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(opened.error().message(),
            "env KEK: version 3 is needed, and only 1, 2 is loaded; set "
            "BULLA_ENCRYPTION_ENV_KEK_V3 and restart");
  EXPECT_FALSE(kek->is_current(wrapped));
}

TEST(EnvKek, NamesBothFingerprintsOfAWrongKey) {
  const WrappedKey wrapped =
      wrapped_by(*provider({{1, 1}}), rng().secret(32), 1);
  const auto other = provider({{1, 2}});
  const WrappedKey its = wrapped_by(*other, rng().secret(32), 1);
  const auto opened =
      other->unwrap(wrapped, as_bytes("a"), conformance::soon());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr(wrapped.key_id));
  EXPECT_THAT(opened.error().message(), HasSubstr(its.key_id));
  EXPECT_FALSE(other->is_current(wrapped));
}

TEST(EnvKek, RefusesUnusableSets) {
  const auto error = [](const Keys& keys) {
    const auto made = made_of(keys);
    return made ? "" : made.error().message();
  };
  EXPECT_THAT(error({}), HasSubstr("no KEK is in the environment"));
  EXPECT_EQ(error({{1, 5}, {2, 5}}),
            "the KEKs of versions 1 and 2 are the same key");
  EXPECT_THAT(error({{0, 5}}), HasSubstr("version 0"));
  EXPECT_THAT(error({{1'000'001, 5}}), HasSubstr("version 1000001"));
  Keys many;
  for (std::uint8_t i = 1; i <= 129; ++i) many.emplace_back(i, i);
  EXPECT_THAT(error(many), HasSubstr("more than 128"));
}

class EnvKekVariables : public ::testing::Test {
 protected:
  static void set(const std::string& suffix, const std::string& value) {
    ::setenv((std::string(EnvKek::kPrefix) + suffix).c_str(), value.c_str(), 1);
  }
  static const char* get(const std::string& suffix) {
    return std::getenv((std::string(EnvKek::kPrefix) + suffix).c_str());
  }
  static std::string error(
      const std::map<std::string, std::string>& options = {}) {
    const auto made = make_provider("env", "", options, rng());
    if (made) return "";
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    return made.error().message();
  }
  // A bad set is refused, its value is not shown, and nothing of it stays.
  static std::string refusal(const std::string& suffix,
                             const std::string& value) {
    set("_V1", std::string(64, '1'));
    set(suffix, value);
    std::string message = error();
    EXPECT_THAT(message, Not(HasSubstr("hunter2")));
    EXPECT_EQ(get("_V1"), nullptr);
    EXPECT_EQ(get(suffix), nullptr);
    return message;
  }
};

TEST_F(EnvKekVariables, AreLoadedAndWiped) {
  set("_V1", std::string(64, 'a'));
  set("_V12", std::string(64, 'B'));
  const char* const value = get("_V1");
  ASSERT_NE(value, nullptr);
  const auto made = make_provider("env", "", {}, rng());
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_THAT((*made)->versions(), ElementsAre(1, 12));
  EXPECT_EQ(get("_V1"), nullptr);
  EXPECT_EQ(get("_V12"), nullptr);
  // The process's own environment, which /proc shows, holds it no longer.
  EXPECT_EQ(value[0], '\0');
  EXPECT_EQ(value[63], '\0');
  // 64 hexadecimal digits of either case are the 32 bytes they say.
  const auto plain = provider({{1, 0xaa}, {12, 0xbb}});
  const WrappedKey wrapped = wrapped_by(**made, rng().secret(32), 12);
  EXPECT_TRUE(plain->unwrap(wrapped, as_bytes("a"), conformance::soon()));
  EXPECT_THAT(error(), HasSubstr("no KEK is in the environment"));
}

TEST_F(EnvKekVariables, OfAnotherFormAreRefused) {
  for (const std::string& value :
       {std::string(), std::string("hunter2"), "hunter2" + std::string(57, 'z'),
        std::string(63, 'a'), std::string(65, 'a'), std::string(128, 'a'),
        " " + std::string(63, 'a'), "0x" + std::string(62, 'a')}) {
    EXPECT_THAT(refusal("_V2", value),
                HasSubstr("BULLA_ENCRYPTION_ENV_KEK_V2: expected 64 "
                          "hexadecimal digits"))
        << value;
  }
  for (const std::string suffix :
       {"", "_V", "_V0", "_V01", "_V-1", "_V+1", "_V1x", "_V 1", "_v1", "_1",
        "_VERSION", "V1", "_V1000001", "_V99999999999", "_V4294967297"}) {
    EXPECT_THAT(refusal(suffix, std::string(64, '2')),
                HasSubstr("BULLA_ENCRYPTION_ENV_KEK" + suffix +
                          ": not the "
                          "name of a KEK"))
        << suffix;
  }
  EXPECT_THAT(refusal("_V2", std::string(64, '1')), HasSubstr("same key"));
  EXPECT_THAT(error({{"kek", "hunter2"}}), HasSubstr("unknown option \"kek\""));
}

}  // namespace
}  // namespace bulla::kek
