#include "server/password_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace bulla::server {
namespace {

PasswordPolicy parsed(std::string_view text) {
  auto policy = parse_password_policy(text);
  EXPECT_TRUE(policy) << (policy ? "" : policy.error().message());
  return policy ? *std::move(policy) : PasswordPolicy();
}

TEST(PasswordPolicy, IsHclOrJson) {
  for (const std::string_view text :
       {std::string_view(R"(length = 8
rule "charset" { charset = "abca" }
rule "charset" { charset = "12" min-chars = 2 })"),
        std::string_view(
            R"({"length":8,"rule":[{"charset":{"charset":"abca"}},)"
            R"({"charset":{"charset":"12","min-chars":2}}]})")}) {
    const PasswordPolicy policy = parsed(text);
    EXPECT_EQ(policy.length, 8U);
    ASSERT_EQ(policy.rules.size(), 2U);
    EXPECT_EQ(policy.rules[0].charset.size(), 3U);
    EXPECT_EQ(policy.rules[1].min_chars, 2U);
    EXPECT_EQ(policy.characters.size(), 5U);
  }
}

TEST(PasswordPolicy, RefusesWhatMakesNoPasswords) {
  for (const std::string_view text :
       {"", "length = 8", "length = 3 \n rule \"charset\" { charset = \"a\" }",
        "length = 101 \n rule \"charset\" { charset = \"a\" }", "length = x",
        "rule \"charset\" { }", "rule \"other\" { }",
        "rule \"charset\" { charset = \"\" }",
        "rule \"charset\" { charset = \"a\\nb\" }",
        "rule \"charset\" { charset = \"a\" min-chars = 21 }",
        "rule \"charset\" { charset = \"a\" other = 1 }", "other = 1", "{"}) {
    const auto policy = parse_password_policy(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code(), ErrorCode::kInvalidArgument) << text;
  }
}

TEST(PasswordPolicy, PasswordsFitAndAreUniform) {
  crypto::SystemRng rng;
  const PasswordPolicy policy = parsed(R"(length = 10
rule "charset" { charset = "abcdefg" }
rule "charset" { charset = "12" min-chars = 1 })");
  std::map<char, int> seen;
  for (int i = 0; i < 3000; ++i) {
    const auto password = make_password(policy, rng);
    ASSERT_TRUE(password);
    EXPECT_EQ(password->size(), 10U);
    EXPECT_NE(password->find_first_of("12"), std::string::npos);
    for (const char c : *password) ++seen[c];
  }
  EXPECT_EQ(seen.size(), 9U);
  EXPECT_LT(seen['a'], seen['g'] * 1.2);
  EXPECT_GT(seen['a'], seen['g'] * 0.8);
}

TEST(PasswordPolicy, CountsCharactersNotBytes) {
  crypto::SystemRng rng;
  const auto password = make_password(
      parsed("length = 5 \n rule \"charset\" { charset = \"äö\" }"), rng);
  ASSERT_TRUE(password);
  EXPECT_EQ(password->size(), 10U);
}

TEST(PasswordPolicy, GivesUpOnWhatHardlyEverFits) {
  crypto::SystemRng rng;
  std::string many;
  for (char c = '!'; c <= '~'; ++c) {
    if (c != '"' && c != '\\' && c != '$' && c != 'Z') many += c;
  }
  const auto password = make_password(
      parsed("length = 4 \n rule \"charset\" { charset = \"Z\" min-chars = 4 }"
             "\n rule \"charset\" { charset = \"" +
             many + "\" }"),
      rng);
  EXPECT_FALSE(password);
}

}  // namespace
}  // namespace bulla::server
