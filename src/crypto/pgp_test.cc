#include "crypto/pgp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/pgp_test_key.h"

namespace bulla::crypto {
namespace {

using testing::HasSubstr;

std::string parse_error(std::string_view text) {
  const auto key = PgpKey::parse(text);
  if (key) return "";
  EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument);
  return key.error().message();
}

TEST(Pgp, EncryptsToWhoeverHoldsTheKey) {
  const PgpTestKey alice("alice"), bob("bob");
  const auto key = PgpKey::parse(alice.base64());
  ASSERT_TRUE(key) << key.error().message();
  EXPECT_EQ(key->fingerprint().size(), 40U);
  EXPECT_EQ(key->fingerprint().find_first_not_of("0123456789abcdef"),
            std::string::npos);
  const auto message = key->encrypt(as_bytes("a share"));
  ASSERT_TRUE(message);
  EXPECT_EQ(alice.decrypt(*message), "a share");
  const auto again = key->encrypt(as_bytes("a share"));
  ASSERT_TRUE(again);
  EXPECT_NE(*again, *message);
  EXPECT_NE(PgpKey::parse(bob.base64())->fingerprint(), key->fingerprint());
}

TEST(Pgp, TakesAnArmouredKeyToo) {
  const PgpTestKey alice("alice");
  const auto key = PgpKey::parse(alice.armoured());
  ASSERT_TRUE(key) << key.error().message();
  const auto plain = PgpKey::parse(alice.base64());
  EXPECT_EQ(key->fingerprint(), plain->fingerprint());
}

TEST(Pgp, RefusesWhatIsNoKey) {
  EXPECT_THAT(parse_error(""), HasSubstr("OpenPGP"));
  EXPECT_THAT(parse_error("%%%"), HasSubstr("neither base64"));
  EXPECT_THAT(parse_error("aGVsbG8="), HasSubstr("OpenPGP public key"));
  EXPECT_THAT(parse_error(std::string(1 << 20, 'A')), HasSubstr("limit"));
}

TEST(Pgp, RefusesTwoKeysInOne) {
  const PgpTestKey alice("alice"), bob("bob");
  Bytes both = alice.binary();
  const Bytes other = bob.binary();
  both.insert(both.end(), other.begin(), other.end());
  EXPECT_THAT(parse_error(base64_encode(both)), HasSubstr("more than one"));
}

TEST(Pgp, RefusesDamageAtAnyPlace) {
  const PgpTestKey alice("alice");
  const Bytes whole = alice.binary();
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    Bytes damaged = whole;
    damaged[at] ^= 0x10;
    const auto key = PgpKey::parse(base64_encode(damaged));
    // What still parses (a changed preference, say) still encrypts.
    if (key) {
      EXPECT_TRUE(key->encrypt(as_bytes("x")));
    }
    EXPECT_FALSE(PgpKey::parse(base64_encode(ByteView(whole).first(at / 2))));
  }
}

}  // namespace
}  // namespace bulla::crypto
