#include "auth/userpass/user_record.h"

#include <gtest/gtest.h>

#include "crypto/rng.h"

namespace bulla::auth {
namespace {

User made(std::string_view password) {
  crypto::SystemRng rng;
  User user;
  auto hash = hash_password(password, rng);
  EXPECT_TRUE(hash);
  user.password = *std::move(hash);
  user.tokens.policies = {"a"};
  user.tokens.bound_cidrs = {"10.0.0.0/8"};
  user.tokens.ttl = Seconds{60};
  user.tokens.type = TokenParams::Type::kBatch;
  user.tokens.legacy = TokenParams::kTtl;
  return user;
}

bool fits(const User& user, std::string_view password) {
  const auto matches = password_matches(&user.password, password);
  EXPECT_TRUE(matches);
  return matches && *matches;
}

TEST(UserRecord, IsReadAsItWasWritten) {
  const User user = made("secret");
  const SecretBytes record = serialize_user(user);
  const auto back = parse_user(record.expose());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->tokens, user.tokens);
  EXPECT_EQ(serialize_user(*back), record);
  EXPECT_TRUE(fits(*back, "secret"));
  EXPECT_FALSE(fits(*back, "Secret"));
  EXPECT_FALSE(fits(*back, ""));
}

TEST(UserRecord, EveryShorterRecordIsCorrupt) {
  const SecretBytes record = serialize_user(made("x"));
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(parse_user(record.expose().first(size))) << size;
  }
}

TEST(PasswordHash, SaltsEach) {
  EXPECT_FALSE(made("x").password.digest == made("x").password.digest);
}

TEST(PasswordHash, NobodysFitsNothing) {
  for (const std::string_view password : {"", "x"}) {
    const auto matches = password_matches(nullptr, password);
    ASSERT_TRUE(matches);
    EXPECT_FALSE(*matches);
  }
}

TEST(PasswordHash, LongPasswordsFitNothing) {
  crypto::SystemRng rng;
  const std::string longest(PasswordHash::kPasswordBytesMax, 'p');
  EXPECT_TRUE(hash_password(longest, rng));
  EXPECT_FALSE(hash_password(longest + "p", rng));
  // Not even that of an empty one.
  EXPECT_FALSE(fits(made(""), longest + "p"));
}

}  // namespace
}  // namespace bulla::auth
