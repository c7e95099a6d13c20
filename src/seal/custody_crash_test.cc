// Init under storage that fails: at every step the storage holds nothing of it
// or all of it.

#include <gtest/gtest.h>

#include "seal/seal_config.h"
#include "seal/test_world.h"
#include "storage/fault.h"

namespace bulla::seal {
namespace {

using storage::FaultStorage;

bool opens(Node& node, const InitResult& made) {
  Result<bool> last = false;
  for (const std::size_t i : {0U, 1U}) {
    last = node.custody.submit_share(made.shares[i].clone());
  }
  return last.value_or(false);
}

std::uint64_t steps_of_init() {
  storage::MemoryStorage memory;
  FaultStorage faulty(memory);
  World world(faulty);
  Node node(world);
  EXPECT_TRUE(node.init(shamir_params(3, 2)));
  return faulty.steps();
}

TEST(CustodyCrash, LeavesTheOldStateOrTheNewAtEveryStep) {
  const std::uint64_t steps = steps_of_init();
  ASSERT_GE(steps, 3U);
  int initialised_unheard = 0;
  for (std::uint64_t step = 1; step <= steps + 1; ++step) {
    SCOPED_TRACE(step);
    storage::MemoryStorage memory;
    FaultStorage faulty(memory);
    Result<InitResult> made = fail(internal_error(""));
    {
      World world(faulty);
      Node node(world);
      faulty.crash_at(step);
      made = node.init(shamir_params(3, 2));
      EXPECT_EQ(made.has_value(), !node.barrier.sealed());
    }
    World world(memory);
    Node node(world);
    const auto initialized = node.custody.initialized();
    ASSERT_TRUE(initialized);
    if (made) {
      EXPECT_TRUE(*initialized);
      EXPECT_TRUE(opens(node, *made));
      continue;
    }
    EXPECT_EQ(made.error().code(), ErrorCode::kUnavailable);
    if (*initialized) {
      // Died between the commit and its answer: complete, and the error said
      // that nobody knows.
      ++initialised_unheard;
      EXPECT_TRUE(memory.get("core/keyring")->has_value());
      EXPECT_EQ(memory.list("core/passkeys/")->size(), 1U);
      continue;
    }
    EXPECT_TRUE(memory.scan("")->empty());
    const auto again = node.init(shamir_params(3, 2));
    ASSERT_TRUE(again);
    node.custody.seal();
    EXPECT_TRUE(opens(node, *again));
  }
  EXPECT_EQ(initialised_unheard, 1);
}

TEST(CustodyCrash, AsksAgainWhenTheOutcomeIsUnknown) {
  storage::MemoryStorage memory;
  FaultStorage faulty(memory);
  World world(faulty);
  Node node(world);
  faulty.fail_commit(1, FaultStorage::When::kAfter);
  const auto made = node.init(shamir_params(3, 2));
  ASSERT_TRUE(made) << made.error().message();
  node.custody.seal();
  EXPECT_TRUE(opens(node, *made));
}

TEST(CustodyCrash, CanBeRepeatedWhenNothingWasApplied) {
  storage::MemoryStorage memory;
  FaultStorage faulty(memory);
  World world(faulty);
  Node node(world);
  faulty.fail_commit(1, FaultStorage::When::kBefore);
  const auto made = node.init(shamir_params(3, 2));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(node.barrier.sealed());
  EXPECT_FALSE(*node.custody.initialized());
  EXPECT_TRUE(node.init(shamir_params(3, 2)));
}

TEST(CustodyCrash, LosesTheRaceForOneStorageWithoutATrace) {
  World world;
  Node first(world);
  Node second(world);
  Result<InitResult> won = fail(internal_error(""));
  const auto lost = second.custody.init(
      shamir_params(3, 2), [&]() -> Result<std::vector<storage::Change>> {
        won = first.init(shamir_params(3, 2));
        return std::vector<storage::Change>{};
      });
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().message(), "Vault is already initialized");
  EXPECT_TRUE(second.barrier.sealed());
  ASSERT_TRUE(won);
  first.custody.seal();
  EXPECT_TRUE(opens(first, *won));
  EXPECT_EQ(world.storage->list("core/passkeys/")->size(), 1U);
}

TEST(CustodyCrash, PassesOnStorageFaultsOfUnseal) {
  storage::MemoryStorage memory;
  FaultStorage faulty(memory);
  World world(faulty);
  Node node(world);
  const auto made = node.init(shamir_params(3, 2));
  ASSERT_TRUE(made);
  node.custody.seal();
  faulty.fail_reads(unavailable("down"));
  EXPECT_FALSE(*node.custody.submit_share(made->shares[0].clone()));
  const auto opened = node.custody.submit_share(made->shares[1].clone());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(node.custody.status()->progress, 0);
  faulty.clear();
  // A record that cannot be written does not keep an open server shut.
  faulty.fail_commit(1, FaultStorage::When::kBefore);
  EXPECT_TRUE(opens(node, *made));
}

}  // namespace
}  // namespace bulla::seal
