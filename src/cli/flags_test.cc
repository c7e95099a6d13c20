#include "cli/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "cli/suggest.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::array<FlagRow, 2> kGlobal = {{
    {"address", "", FlagKind::kText, "URL", "", "ADDR"},
    {"tls-skip-verify", "", FlagKind::kSwitch, "", "", "SKIP_VERIFY"},
}};
constexpr std::array<FlagRow, 5> kOwn = {{
    {"force", "f", FlagKind::kSwitch, "", ""},
    {"policy", "", FlagKind::kList, "NAME", ""},
    {"metadata", "", FlagKind::kPairs, "K=V", ""},
    {"key-shares", "n", FlagKind::kInteger, "N", ""},
    {"ttl", "", FlagKind::kDuration, "D", ""},
}};

Result<Flags> parsed(const std::vector<std::string>& words) {
  const FlagParser parser(kGlobal, kOwn);
  Flags flags;
  for (std::size_t i = 0; i < words.size();) {
    TRY_ASSIGN(const auto taken, parser.take(words, i, flags));
    if (taken == 0) return fail(invalid_argument("not a flag"));
    i += taken;
  }
  return flags;
}

TEST(Flags, TakesEverySpellingOfVaults) {
  const auto flags =
      parsed({"-address=http://a", "--force", "-n", "3", "-policy=a",
              "--policy", "b,c", "-ttl=1h30m", "-metadata=k=v=w"});
  ASSERT_TRUE(flags.has_value());
  EXPECT_EQ(flags->text("address"), "http://a");
  EXPECT_TRUE(flags->on("force"));
  EXPECT_EQ(flags->integer("key-shares"), 3);
  EXPECT_THAT(flags->list("policy"), ElementsAre("a", "b,c"));
  EXPECT_EQ(flags->text("ttl"), "1h30m");
  EXPECT_THAT(flags->pairs("metadata"), ElementsAre(testing::Pair("k", "v=w")));
}

TEST(Flags, SwitchesTakeATruthValue) {
  EXPECT_FALSE(parsed({"-force=false"})->on("force"));
  EXPECT_TRUE(parsed({"-f=1"})->on("force"));
  EXPECT_FALSE(parsed({"-force=maybe"}).has_value());
}

TEST(Flags, ADashAloneAndWordsAreNoFlags) {
  const FlagParser parser(kGlobal, kOwn);
  Flags flags;
  const std::vector<std::string> words = {"-", "word", ""};
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(parser.take(words, i, flags).value(), 0U);
  }
}

TEST(Flags, RefusesWithoutQuotingTheValue) {
  for (const auto* word :
       {"-n=canary", "-n=-1", "-n=99999999999", "-ttl=canary", "-ttl=-5s",
        "-metadata=canary", "-metadata==canary", "-polici=canary"}) {
    const auto flags = parsed({word});
    ASSERT_FALSE(flags.has_value()) << word;
    EXPECT_THAT(flags.error().message(), Not(HasSubstr("canary")));
  }
  EXPECT_FALSE(parsed({"-address"}).has_value());
}

TEST(Flags, UnknownOnesNameTheNearest) {
  EXPECT_THAT(parsed({"-adress=x"}).error().message(),
              HasSubstr("did you mean -address?"));
  EXPECT_THAT(parsed({"-zzzzzz"}).error().message(),
              Not(HasSubstr("did you mean")));
}

TEST(Flags, EnvironmentComesAfterFlagsAndBullaBeforeVault) {
  const FlagParser parser(kGlobal, kOwn);
  const Environment environment =
      [](const std::string& name) -> std::optional<std::string> {
    if (name == "BULLA_ADDR") return "http://bulla";
    if (name == "VAULT_ADDR") return "http://vault";
    if (name == "BULLA_SKIP_VERIFY") return "";
    if (name == "VAULT_SKIP_VERIFY") return "true";
    return std::nullopt;
  };
  Flags flags;
  ASSERT_TRUE(parser.add_environment(environment, flags).has_value());
  EXPECT_EQ(flags.text("address"), "http://bulla");
  EXPECT_TRUE(flags.on("tls-skip-verify"));
  Flags given = *parsed({"-address=http://flag"});
  ASSERT_TRUE(parser.add_environment(environment, given).has_value());
  EXPECT_EQ(given.text("address"), "http://flag");
}

TEST(Flags, BadVariablesAreNamed) {
  const FlagParser parser(kGlobal, kOwn);
  Flags flags;
  const auto added = parser.add_environment(
      [](const std::string& name) -> std::optional<std::string> {
        if (name == "VAULT_SKIP_VERIFY") return "canary";
        return std::nullopt;
      },
      flags);
  ASSERT_FALSE(added.has_value());
  EXPECT_THAT(added.error().message(), HasSubstr("VAULT_SKIP_VERIFY"));
  EXPECT_THAT(added.error().message(), Not(HasSubstr("canary")));
}

TEST(Suggest, FindsSlipsAndNothingFar) {
  const std::vector<std::string> words = {"operator", "status", "read"};
  EXPECT_EQ(nearest("opreator", words), "operator");
  EXPECT_EQ(nearest("statsu", words), "status");
  EXPECT_EQ(nearest("raed", words), "read");
  EXPECT_EQ(nearest("delete", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(100000, 'x'), words), "");
}

}  // namespace
}  // namespace bulla::cli
