// Rekeys under storage that fails: whoever was told new shares holds good ones,
// and whoever was told nothing still does.

#include <gtest/gtest.h>

#include "seal/passkeys.h"
#include "seal/rekey_fixture.h"
#include "storage/fault.h"

namespace bulla::seal {
namespace {

using storage::FaultStorage;

Providers provider(World& world) {
  return static_provider(world, static_key("k1", 1));
}

// Opens what is left, uses it as both sides would, and restarts once more.
void expect_usable(World& world, const Shares& good, std::size_t count) {
  {
    Ceremony after(world);
    ASSERT_TRUE(after.unseal(good, count));
    EXPECT_TRUE(holds_entry(after.node));
    EXPECT_TRUE(after.authorises(good, count));
    EXPECT_EQ(world.storage->list("core/passkeys/")->size(), 1U);
    EXPECT_EQ(after.node.custody.status()->threshold,
              static_cast<std::int64_t>(count));
    const auto again = after.run(after.root, rekey_params(3, 2), good, count);
    EXPECT_TRUE(again) << again.error().message();
  }
}

struct Round {
  bool acknowledged = false;
  std::uint64_t steps = 0;
};

// A rekey from 3/2 to 5/3 that dies at `step` (0: at none).
Round crash_root_rekey(std::uint64_t step, bool verified) {
  storage::MemoryStorage memory;
  FaultStorage faulty(memory);
  Shares old_shares;
  Result<RekeyResult> made = fail(internal_error(""));
  bool in_force = false;
  Round round;
  {
    World world(faulty);
    Ceremony before(world);
    auto initialised = before.node.init(shamir_params(3, 2));
    EXPECT_TRUE(initialised);
    old_shares = std::move(initialised->shares);
    EXPECT_TRUE(before.node.barrier.put("data/kept", as_bytes("kept")));
    faulty.clear();
    if (step > 0) faulty.crash_at(step);
    RekeyParams params = rekey_params(5, 3);
    params.require_verification = verified;
    made = before.run(before.root, params, old_shares, 2);
    in_force = made.has_value();
    if (made && verified) {
      const auto done = before.echo(before.root, *made, 3);
      in_force = done && done->complete;
    }
    round.steps = faulty.steps();
  }
  round.acknowledged = in_force;
  World world(memory);
  if (in_force) {
    expect_usable(world, made->shares, 3);
    return round;
  }
  // Nothing was acknowledged. With verification the new shares are known, and
  // either set may be the one; without it the old one must be.
  const bool old_opens = reopens(world, old_shares, 2);
  if (made && !old_opens) {
    expect_usable(world, made->shares, 3);
    return round;
  }
  EXPECT_TRUE(old_opens);
  expect_usable(world, old_shares, 2);
  return round;
}

TEST(RekeyCrash, LeavesGoodSharesAtEveryStep) {
  const Round whole = crash_root_rekey(0, false);
  ASSERT_TRUE(whole.acknowledged);
  ASSERT_GE(whole.steps, 5U);
  for (std::uint64_t step = 1; step <= whole.steps; ++step) {
    SCOPED_TRACE(step);
    crash_root_rekey(step, false);
  }
}

TEST(RekeyCrash, LeavesGoodSharesAtEveryStepOfAVerifiedOne) {
  const Round whole = crash_root_rekey(0, true);
  ASSERT_TRUE(whole.acknowledged);
  for (std::uint64_t step = 1; step <= whole.steps; ++step) {
    SCOPED_TRACE(step);
    crash_root_rekey(step, true);
  }
}

// The answer got lost: the storage has the new state, the operator the old
// shares. And the other way round: the answer came, and the server died.
TEST(RekeyCrash, EitherSetOpensUntilOneOfThemDid) {
  for (const bool heard : {false, true}) {
    World world;
    Shares old_shares, new_shares;
    {
      Ceremony before(world);
      auto made = before.node.init(shamir_params(3, 2));
      ASSERT_TRUE(made);
      ASSERT_TRUE(before.node.barrier.put("data/kept", as_bytes("kept")));
      auto rekeyed =
          before.run(before.root, rekey_params(5, 3), made->shares, 2);
      ASSERT_TRUE(rekeyed);
      old_shares = std::move(made->shares);
      new_shares = std::move(rekeyed->shares);
    }
    EXPECT_EQ(world.storage->list("core/passkeys/")->size(), 2U);
    expect_usable(world, heard ? new_shares : old_shares, heard ? 3 : 2);
    EXPECT_FALSE(reopens(world, heard ? old_shares : new_shares, 3));
  }
}

TEST(RekeyCrash, FormerSharesEndWithTheirTime) {
  World world;
  Ceremony ceremony(world);
  const auto made = ceremony.node.init(shamir_params(3, 2));
  ASSERT_TRUE(made);
  const auto rekeyed =
      ceremony.run(ceremony.root, rekey_params(3, 2), made->shares, 2);
  ASSERT_TRUE(rekeyed);
  ASSERT_TRUE(ceremony.node.custody.forget_former(Seconds{10}));
  EXPECT_EQ(world.storage->list("core/passkeys/")->size(), 2U);
  world.clock.step(Seconds{10});
  ASSERT_TRUE(ceremony.node.custody.forget_former(Seconds{10}));
  EXPECT_EQ(world.storage->list("core/passkeys/")->size(), 1U);
  EXPECT_FALSE(world.storage->get(FormerUnseal::kPath)->has_value());
  EXPECT_FALSE(reopens(world, made->shares, 2));
  EXPECT_TRUE(reopens(world, rekeyed->shares, 2));
}

// Storage does not answer whether it took the commit, and comes back later.
TEST(RekeyCrash, FindsOutLaterWhatStorageDidNotSay) {
  for (const auto when :
       {FaultStorage::When::kBefore, FaultStorage::When::kAfter}) {
    storage::MemoryStorage memory;
    FaultStorage faulty(memory);
    World world(faulty);
    Ceremony ceremony(world);
    const auto made = ceremony.node.init(shamir_params(3, 2));
    ASSERT_TRUE(made);
    ASSERT_TRUE(ceremony.node.barrier.put("data/kept", as_bytes("kept")));
    ASSERT_TRUE(ceremony.root.begin(rekey_params(5, 3), rekey_caller()));
    int commits = 0;
    faulty.set_hook(
        [&](FaultStorage::Step step, std::uint64_t) -> Result<void> {
          if (step == FaultStorage::Step::kBeforeCommit) ++commits;
          const bool hidden = step == (when == FaultStorage::When::kBefore
                                           ? FaultStorage::Step::kBeforeCommit
                                           : FaultStorage::Step::kAfterCommit);
          if (commits == 1 && (hidden || step == FaultStorage::Step::kGet)) {
            return fail(unavailable("down"));
          }
          return {};
        });
    const auto lost = ceremony.give(ceremony.root, made->shares, 2);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code(), ErrorCode::kUnavailable);
    faulty.clear();
    // The very same shares complete the very same operation.
    EXPECT_TRUE(ceremony.root.status(rekey_caller())->started);
    const auto rekeyed = ceremony.give(ceremony.root, made->shares, 2);
    ASSERT_TRUE(rekeyed && *rekeyed) << rekeyed.error().message();
    ASSERT_TRUE(ceremony.node.custody.rotate_keyring());
    ASSERT_TRUE(ceremony.node.custody.forget_former(Duration{0}));
    EXPECT_FALSE(reopens(world, made->shares, 3));
    expect_usable(world, (*rekeyed)->shares, 3);
  }
}

TEST(RekeyCrash, AFailedCommitSpendsNoShare) {
  storage::MemoryStorage memory;
  FaultStorage faulty(memory);
  World world(faulty);
  Ceremony ceremony(world);
  const auto made = ceremony.node.init(shamir_params(3, 2));
  ASSERT_TRUE(made);
  ASSERT_TRUE(ceremony.root.begin(rekey_params(5, 3), rekey_caller()));
  faulty.fail_commit(1, FaultStorage::When::kBefore,
                     Error(ErrorCode::kExhausted, "no space left"));
  const auto failed = ceremony.give(ceremony.root, made->shares, 2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(ceremony.root.status(rekey_caller())->progress, 0U);
  const auto rekeyed = ceremony.give(ceremony.root, made->shares, 2);
  ASSERT_TRUE(rekeyed && *rekeyed);
  EXPECT_TRUE(ceremony.authorises((*rekeyed)->shares, 3));
}

struct RecoveryRound {
  bool acknowledged = false;
  std::uint64_t steps = 0;
};

RecoveryRound crash_recovery_rekey(std::uint64_t step) {
  storage::MemoryStorage memory;
  FaultStorage faulty(memory);
  Shares old_shares;
  Result<RekeyResult> made = fail(internal_error(""));
  RecoveryRound round;
  {
    World world(faulty);
    Ceremony before(world, provider(world));
    auto initialised = before.node.init(recovery_params(3, 2));
    EXPECT_TRUE(initialised);
    old_shares = std::move(initialised->recovery_shares);
    faulty.clear();
    if (step > 0) faulty.crash_at(step);
    made = before.run(before.recovery, rekey_params(5, 3), old_shares, 2);
    round.steps = faulty.steps();
  }
  round.acknowledged = made.has_value();
  World world(memory);
  Ceremony after(world, provider(world));
  EXPECT_TRUE(after.node.custody.auto_unseal());
  const Shares& good = made ? made->shares : old_shares;
  EXPECT_TRUE(after.authorises(good, made ? 3 : 2));
  EXPECT_FALSE(made && after.authorises(old_shares, 3));
  EXPECT_FALSE(world.storage->get(FormerRecovery::kPath)->has_value());
  EXPECT_TRUE(
      after.run(after.recovery, rekey_params(3, 2), good, made ? 3 : 2));
  return round;
}

TEST(RekeyCrash, LeavesGoodRecoverySharesAtEveryStep) {
  const auto whole = crash_recovery_rekey(0);
  ASSERT_TRUE(whole.acknowledged);
  for (std::uint64_t step = 1; step <= whole.steps; ++step) {
    SCOPED_TRACE(step);
    crash_recovery_rekey(step);
  }
}

// A first recovery key that nobody may have heard of can be made again by root,
// and by break-glass shares; once it authorised something, that ends.
TEST(RekeyCrash, AFirstRecoveryKeyMayBeMadeAgainUntilItWasUsed) {
  for (const bool heard : {false, true}) {
    World world;
    Shares shares;
    RekeyCaller root = rotate_caller();
    root.sudo = true;
    {
      Ceremony before(world, provider(world));
      ASSERT_TRUE(before.node.init({}));
      auto made = before.recovery.begin(rekey_params(3, 2), root);
      ASSERT_TRUE(made && *made);
      shares = std::move((*made)->shares);
    }
    Ceremony after(world, provider(world));
    ASSERT_TRUE(after.node.custody.auto_unseal());
    if (heard) {
      EXPECT_TRUE(after.authorises(shares, 2));
    }
    const auto again = after.recovery.begin(rekey_params(3, 2), root);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->has_value(), !heard);
  }
}

TEST(RekeyCrash, BreakGlassSharesTakeBackAFirstRecoveryKey) {
  World world;
  Shares people;
  {
    Ceremony before(world, provider(world));
    ASSERT_TRUE(before.node.init({}));
    Passkeys::New wanted;
    wanted.name = "break-glass";
    wanted.kind = Passkey::kShamir;
    wanted.shares = 3;
    wanted.threshold = 2;
    auto added = before.node.custody.passkeys().add(std::move(wanted));
    ASSERT_TRUE(added);
    people = std::move(added->shares);
    ASSERT_TRUE(before.run(before.recovery, rekey_params(5, 3), people, 2));
    EXPECT_FALSE(before.authorises(people, 3));
  }
  Ceremony after(world, provider(world));
  ASSERT_TRUE(after.node.custody.auto_unseal());
  EXPECT_TRUE(after.authorises(people, 2));
  EXPECT_FALSE(world.storage->get("core/recovery-key")->has_value());
  const auto made = after.run(after.recovery, rekey_params(5, 3), people, 2);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(after.authorises(made->shares, 3));
}

TEST(RekeyCrash, ANewRootKeyOfAnAutomaticSealAtEveryStep) {
  std::uint64_t steps = 1;
  for (std::uint64_t step = 0; step <= steps; ++step) {
    SCOPED_TRACE(step);
    storage::MemoryStorage memory;
    FaultStorage faulty(memory);
    {
      World world(faulty);
      Node node(world, provider(world));
      ASSERT_TRUE(node.init({}));
      ASSERT_TRUE(node.barrier.put("data/kept", as_bytes("kept")));
      faulty.clear();
      if (step > 0) faulty.crash_at(step);
      const auto replaced = node.custody.replace_root({});
      if (step == 0) {
        ASSERT_TRUE(replaced);
        steps = faulty.steps();
      }
    }
    World world(memory);
    Node node(world, provider(world));
    ASSERT_TRUE(node.custody.auto_unseal());
    EXPECT_TRUE(holds_entry(node));
    EXPECT_TRUE(node.custody.replace_root({}));
  }
}

}  // namespace
}  // namespace bulla::seal
