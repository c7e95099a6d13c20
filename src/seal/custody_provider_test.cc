// Custody with providers that open by themselves, and what it makes of records
// and configurations that are not what they were.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seal/custody.h"
#include "seal/test_world.h"

namespace bulla::seal {
namespace {

using ::testing::HasSubstr;

TEST(CustodyProvider, OpensByItselfWithAProvider) {
  World world;
  {
    Node node(world, static_provider(world, static_key("k1", 1)));
    const auto made = node.init(recovery_params(5, 3));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(made->shares.empty());
    EXPECT_EQ(made->recovery_shares.size(), 5U);
    EXPECT_TRUE(node.barrier.get("core/recovery-key")->has_value());
  }
  Node node(world, static_provider(world, static_key("k1", 1)));
  auto status = node.custody.status();
  EXPECT_EQ(status->type, "static");
  EXPECT_TRUE(status->sealed);
  EXPECT_TRUE(status->recovery_seal);
  EXPECT_EQ(status->threshold, 3);
  EXPECT_EQ(status->shares, 5);
  EXPECT_FALSE(*node.custody.submit_share(world.rng.secret(33)));
  EXPECT_EQ(node.custody.status()->progress, 0);
  EXPECT_TRUE(*node.custody.auto_unseal());
  EXPECT_FALSE(node.barrier.sealed());
  EXPECT_TRUE(*node.custody.auto_unseal());
  ASSERT_TRUE(node.custody.rotate_keyring());
}

TEST(CustodyProvider, NeedsNoRecoveryShares) {
  World world;
  Node node(world, static_provider(world, static_key("k1", 1)));
  const auto made = node.init({});
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->recovery_shares.empty());
  EXPECT_EQ(node.custody.status()->shares, 0);
  EXPECT_FALSE(node.barrier.get("core/recovery-key")->has_value());
  node.custody.seal();
  EXPECT_TRUE(*node.custody.auto_unseal());
}

TEST(CustodyProvider, FollowsAStaticKeyToItsSuccessor) {
  World world;
  {
    Node node(world, static_provider(world, static_key("k1", 1)));
    ASSERT_TRUE(node.init({}));
  }
  {
    Node node(world,
              static_provider(world, static_key("k2", 2), static_key("k1", 1)));
    ASSERT_TRUE(*node.custody.auto_unseal());
  }
  Node node(world, static_provider(world, static_key("k2", 2)));
  const auto opened = node.custody.auto_unseal();
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_TRUE(*opened);
}

TEST(CustodyProvider, NamesTheKeyThatIsMissing) {
  World world;
  Node first(world, static_provider(world, static_key("k1", 1)));
  ASSERT_TRUE(first.init({}));
  Node other(world, static_provider(world, static_key("k9", 9)));
  const auto opened = other.custody.auto_unseal();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(opened.error().message(), HasSubstr("the key \"k1\""));
  EXPECT_THAT(opened.error().message(), HasSubstr("previous_key"));
  Node wrong(world, static_provider(world, static_key("k1", 9)));
  const auto refused = wrong.custody.auto_unseal();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(wrong.barrier.sealed());
}

TEST(CustodyProvider, TriesProvidersInOrder) {
  World world;
  const auto both = [&](std::uint8_t first) {
    Providers providers = static_provider(world, static_key("a", first));
    providers.push_back(kek::StaticKek::create("second", static_key("b", 2),
                                               std::nullopt, world.rng)
                            .value());
    return providers;
  };
  Node node(world, both(1));
  ASSERT_TRUE(node.init({}));
  Node again(world, both(77));  // the first one's key is wrong now
  EXPECT_TRUE(*again.custody.auto_unseal());
}

TEST(CustodyProvider, StopsAConfigurationThatLacksARecordedSeal) {
  World world;
  Node automatic(world, static_provider(world, static_key("k1", 1)));
  ASSERT_TRUE(automatic.init({}));
  const std::string text =
      "this installation is sealed with static, but the configuration says "
      "shamir: configure seal \"static\" again as it was, or use another "
      "storage";
  const auto before = world.storage->scan("");
  Node as_shamir(world);
  expect_error(as_shamir.custody.check_install(), ErrorCode::kInvalidArgument,
               text);
  expect_error(as_shamir.custody.auto_unseal(), ErrorCode::kInvalidArgument,
               text);
  expect_error(as_shamir.custody.submit_share(world.rng.secret(33)),
               ErrorCode::kInvalidArgument, text);
  // Another name is another seal.
  Node renamed(world, static_provider(world, static_key("k1", 1), std::nullopt,
                                      "other"));
  expect_error(renamed.custody.check_install(), ErrorCode::kInvalidArgument,
               "this installation is sealed with static, but the configuration "
               "says static \"other\": configure seal \"static\" again as it "
               "was, or use another storage");
  EXPECT_EQ(*world.storage->scan(""), *before);
}

TEST(CustodyProvider, LeavesNothingToOpenWhenTheOnlySealIsDisabled) {
  World world;
  Node automatic(world, static_provider(world, static_key("k1", 1)));
  ASSERT_TRUE(automatic.init({}));
  Node disabled(world, {}, {.disabled = {{"static", "static"}}});
  const auto refused = disabled.custody.check_install();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("nothing is left"));
}

// What the record does not know is a candidate: it opens nothing and stops
// nothing.
TEST(CustodyProvider, StartsWithACandidateBesideTheStoredWays) {
  World world;
  Node shamir(world);
  const auto made = shamir.init(shamir_params(1, 1));
  ASSERT_TRUE(made);
  Node with_candidate(world, static_provider(world, static_key("k1", 1)));
  EXPECT_TRUE(with_candidate.custody.check_install());
  EXPECT_FALSE(*with_candidate.custody.auto_unseal());
  EXPECT_TRUE(
      *with_candidate.custody.submit_share(made->shares.front().clone()));
  EXPECT_EQ(with_candidate.custody.status()->type, "shamir");
}

TEST(CustodyProvider, SurvivesADamagedPasskeyBesideAGoodOne) {
  World world;
  Node node(world, static_provider(world, static_key("k1", 1)));
  ASSERT_TRUE(node.init({}));
  const storage::Change junk{"core/passkeys/0", to_bytes("junk"), {}};
  ASSERT_TRUE(world.storage->commit({&junk, 1}));
  Node again(world, static_provider(world, static_key("k1", 1)));
  EXPECT_TRUE(*again.custody.auto_unseal());
}

TEST(CustodyProvider, RefusesAPasskeyUnderAnotherIdOrInstallation) {
  World world;
  Node node(world, static_provider(world, static_key("k1", 1)));
  ASSERT_TRUE(node.init({}));
  const auto path = world.storage->scan("core/passkeys/")->front();
  const auto passkey = (*world.storage->get(path))->value;
  const storage::Change moved[] = {{path, std::nullopt, {}},
                                   {"core/passkeys/other", passkey, {}}};
  ASSERT_TRUE(world.storage->commit(moved));
  Node again(world, static_provider(world, static_key("k1", 1)));
  const auto opened = again.custody.auto_unseal();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);

  World elsewhere;
  Node other(elsewhere, static_provider(elsewhere, static_key("k1", 1)));
  ASSERT_TRUE(other.init({}));
  const storage::Change copied[] = {
      {elsewhere.storage->scan("core/passkeys/")->front(), std::nullopt, {}},
      {path, passkey, {}}};
  ASSERT_TRUE(elsewhere.storage->commit(copied));
  other.custody.seal();
  EXPECT_FALSE(other.custody.auto_unseal());
}

TEST(CustodyProvider, NeverOpensWrongAfterAnyFlippedByte) {
  World world;
  Node node(world, static_provider(world, static_key("k1", 1)));
  ASSERT_TRUE(node.init(recovery_params(3, 2)));
  ASSERT_TRUE(node.barrier.put("a", as_bytes("hello")));
  const auto paths = world.storage->scan("core/");
  for (const std::string& path : *paths) {
    const Bytes good = (*world.storage->get(path))->value;
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      bad[i] ^= 0x41;
      const storage::Change alter{path, bad, {}};
      ASSERT_TRUE(world.storage->commit({&alter, 1}));
      Node again(world, static_provider(world, static_key("k1", 1)));
      const auto opened = again.custody.auto_unseal();
      if (!opened || !*opened) {
        EXPECT_TRUE(again.barrier.sealed());
        continue;
      }
      const auto entry = again.barrier.get("a");
      ASSERT_TRUE(entry && *entry);
      EXPECT_EQ(as_text((*entry)->value.expose()), "hello");
    }
    const storage::Change restore{path, good, {}};
    ASSERT_TRUE(world.storage->commit({&restore, 1}));
  }
}

}  // namespace
}  // namespace bulla::seal
