// DEKs over a storage that dies at every step: what is there afterwards is the
// old registry or the new one, with one active DEK, and opens all it sealed.

#include <thread>

#include "dek/test_support.h"

namespace bulla::dek {
namespace {

using storage::FaultStorage;
using storage::MemoryStorage;

struct Story {
  MemoryStorage memory;
  FaultStorage faulty{memory};
  SecretBytes share;
  SealedBody sealed;
  std::string first;
};

// Runs `act` on a node that dies at `step` (0: at none); how many there were.
template <typename Act>
std::uint64_t run(Story& story, std::uint64_t step, Act act) {
  seal::World world(story.faulty);
  DekNode node(world);
  story.share = node.init();
  story.first = node.active();
  story.sealed = node.registry.seal("default", "p", as_bytes("body")).value();
  story.faulty.clear();
  if (step > 0) story.faulty.crash_at(step);
  act(node);
  return story.faulty.steps();
}

void expect_whole(Story& story) {
  seal::World world(story.memory);
  DekNode after(world);
  const auto opened = after.open(story.share);
  ASSERT_TRUE(opened) << opened.error().message();
  ASSERT_FALSE(after.active().empty());
  const auto body = after.registry.open(story.sealed.dek_id, "p",
                                        as_bytes(story.sealed.bytes));
  ASSERT_TRUE(body) << body.error().message();
  EXPECT_EQ(as_text(body->expose()), "body");
  std::size_t active = 0;
  const auto all = after.registry.list();
  ASSERT_TRUE(all);
  for (const DekInfo& info : *all) {
    active += info.status == Status::kActive ? 1U : 0U;
  }
  EXPECT_EQ(active, 1U);
  EXPECT_GE(after.registry.encryptions(story.first).value(), 1U);
  EXPECT_TRUE(after.registry.seal("default", "p", {}));
  EXPECT_TRUE(after.registry.create({"later"}));
}

template <typename Act>
void crash_everywhere(Act act) {
  Story whole;
  const std::uint64_t steps = run(whole, 0, act);
  expect_whole(whole);
  for (std::uint64_t step = 1; step <= steps; ++step) {
    SCOPED_TRACE(step);
    Story story;
    run(story, step, act);
    expect_whole(story);
  }
}

TEST(RegistryCrash, Create) {
  crash_everywhere([](DekNode& node) {
    const auto made = node.registry.create({"second"});
    EXPECT_TRUE(!made || node.active() == made->id);
  });
}

TEST(RegistryCrash, CreateThenRekey) {
  crash_everywhere([](DekNode& node) {
    static_cast<void>(node.registry.create({"second"}));
    static_cast<void>(node.node.custody.replace_root({}));
    static_cast<void>(node.registry.create({"third"}));
  });
}

TEST(RegistryCrash, UpdateAndSeal) {
  crash_everywhere([](DekNode& node) {
    DekUpdate change;
    change.name = "renamed";
    static_cast<void>(node.registry.update(node.active(), change));
    node.close();
  });
}

TEST(RegistryCrash, FirstKey) {
  for (std::uint64_t step = 1; step < 12; ++step) {
    SCOPED_TRACE(step);
    MemoryStorage memory;
    FaultStorage faulty(memory);
    SecretBytes share;
    {
      seal::World world(faulty);
      DekNode node(world);
      share = node.node.init(seal::shamir_params(1, 1))->shares[0].clone();
      faulty.clear();
      faulty.crash_at(step);
      static_cast<void>(node.registry.load());
    }
    seal::World world(memory);
    DekNode after(world);
    ASSERT_TRUE(after.open(share));
    EXPECT_EQ(after.registry.list()->size(), 1U);
  }
}

// The commit was stored, and its acknowledgement got lost.
TEST(RegistryCrash, ACommitOfUnknownOutcomeIsLookedUp) {
  for (const auto when :
       {FaultStorage::When::kBefore, FaultStorage::When::kAfter}) {
    Story story;
    run(story, 0, [&](DekNode& node) {
      story.faulty.fail_commit(1, when);
      const auto made = node.registry.create({"second"});
      EXPECT_EQ(made.has_value(), when == FaultStorage::When::kAfter);
      EXPECT_EQ(node.registry.list()->size(), made ? 2U : 1U);
      EXPECT_TRUE(node.registry.create({"third"}));
      story.faulty.fail_commit(1, when);
      DekUpdate change;
      change.name = "renamed";
      const auto changed = node.registry.update(node.active(), change);
      EXPECT_EQ(changed.has_value(), when == FaultStorage::When::kAfter);
      EXPECT_EQ(node.registry.find(node.active())->name,
                changed ? "renamed" : "third");
    });
    expect_whole(story);
  }
}

TEST(RegistryCrash, AFullDiskChangesNothing) {
  Story story;
  run(story, 0, [&](DekNode& node) {
    story.faulty.fail_commit(1, FaultStorage::When::kBefore,
                             {ErrorCode::kExhausted, "no space"});
    EXPECT_EQ(node.registry.create({"second"}).error().code(),
              ErrorCode::kExhausted);
    EXPECT_EQ(node.active(), story.first);
  });
  expect_whole(story);
}

// A rekey that comes between what a new DEK reads and what it stores, also
// where it is the first one.
TEST(RegistryCrash, ARekeyInBetweenIsSeen) {
  for (const bool first : {true, false}) {
    SCOPED_TRACE(first);
    MemoryStorage memory;
    FaultStorage faulty(memory);
    SecretBytes share;
    {
      seal::World world(faulty);
      DekNode node(world);
      share = node.node.init(seal::shamir_params(1, 1))->shares[0].clone();
      EXPECT_TRUE(first || node.registry.load());
      bool done = false;
      faulty.set_hook([&](FaultStorage::Step step, std::uint64_t) {
        if (done || step != FaultStorage::Step::kBeforeCommit) {
          return Result<void>();
        }
        done = true;
        EXPECT_TRUE(node.node.custody.replace_root({}));
        return Result<void>();
      });
      EXPECT_TRUE(first ? node.registry.load().has_value()
                        : node.registry.create({"second"}).has_value());
      EXPECT_TRUE(done);
      EXPECT_EQ(node.registry.list()->size(), first ? 1U : 2U);
    }
    seal::World world(memory);
    DekNode after(world);
    ASSERT_TRUE(after.open(share));
    EXPECT_EQ(after.registry.list()->size(), first ? 1U : 2U);
    EXPECT_TRUE(after.registry.seal("default", "p", {}));
  }
}

// A rekey and a new DEK at once: one of them may be told to repeat, and what is
// there afterwards is whole.
TEST(RegistryCrash, RekeyAndCreateAtOnce) {
  Story story;
  run(story, 0, [&](DekNode& node) {
    std::thread rekeys([&] {
      for (int i = 0; i < 20; ++i) {
        const auto done = node.node.custody.replace_root({});
        if (!done) {
          EXPECT_EQ(done.error().code(), ErrorCode::kConflict)
              << done.error().message();
        }
      }
    });
    for (int i = 0; i < 20; ++i) {
      const auto made = node.registry.create({"k"});
      if (!made) {
        EXPECT_EQ(made.error().code(), ErrorCode::kConflict)
            << made.error().message();
      }
    }
    rekeys.join();
  });
  expect_whole(story);
}

}  // namespace
}  // namespace bulla::dek
