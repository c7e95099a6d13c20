// Every change of an open installation, dead at every step of its storage: what
// is left is the old state or the new one, it opens, and the change can be
// repeated.

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "seal/kek_versions.h"
#include "seal/passkeys.h"
#include "seal/test_world.h"
#include "storage/fault.h"

namespace bulla::seal {
namespace {

using storage::FaultStorage;

using Contents = std::vector<storage::Change>;

Contents contents_of(storage::Storage& storage) {
  Contents all;
  const auto paths = storage.scan("").value();
  for (const std::string& path : paths) {
    all.push_back({path, storage.get(path)->value().value, {}});
  }
  return all;
}

// What a change leaves that its repetition must not differ in: names, kinds
// and versions; not times.
std::set<std::string> shape_of(storage::Storage& storage) {
  std::set<std::string> shape;
  const auto config =
      SealConfig::parse(storage.get(SealConfig::kPath)->value().value).value();
  for (const auto& provider : config.providers) {
    std::string text = "provider " + provider.id.name + " " +
                       std::to_string(provider.active) + " " +
                       std::to_string(provider.target);
    for (const auto version : provider.removed) {
      text += " -" + std::to_string(version);
    }
    shape.insert(text);
  }
  const auto paths = storage.scan(Passkey::kPrefix).value();
  for (const std::string& path : paths) {
    const auto passkey = Passkey::parse(path.substr(Passkey::kPrefix.size()),
                                        storage.get(path)->value().value)
                             .value();
    shape.insert("passkey " + passkey.name + " " + passkey.kind + " " +
                 std::to_string(passkey.wrapped.version));
    // The KEK of a people's passkey comes and goes with it.
    EXPECT_EQ(storage.get(passkey.kek_path())->has_value(),
              !passkey.automatic());
    EXPECT_EQ(config.find(passkey.provider_id()) != nullptr,
              passkey.automatic());
  }
  return shape;
}

/// One change: what it does, and how often it may be found half way (a KEK
/// rotation's commits), beside old and new.
struct Operation {
  std::string name;
  std::function<Result<void>(Node&)> run;
  bool in_phases = false;
};

template <typename T>
Result<void> nothing(Result<T> result) {
  TRY(std::move(result));
  return {};
}

Passkeys::New wanted(std::string kind) {
  Passkeys::New one;
  one.name = "new-" + kind;
  if (kind == "shamir") one.shares = one.threshold = 1;
  if (kind == "passphrase") one.passphrase = secret_text("long enough");
  one.kind = std::move(kind);
  return one;
}

std::vector<Operation> operations() {
  const auto add = [](std::string kind) -> Operation {
    return {"add " + kind, [kind](Node& node) {
              return nothing(node.custody.passkeys().add(wanted(kind)));
            }};
  };
  return {
      add("shamir"),
      add("passphrase"),
      add("static"),
      {"verify",
       [](Node& node) {
         return nothing(node.custody.passkeys().verify("env", {}));
       }},
      {"rename",
       [](Node& node) {
         return nothing(node.custody.passkeys().rename("shamir", "glass"));
       }},
      {"delete people's",
       [](Node& node) { return node.custody.passkeys().remove("shamir"); }},
      {"delete automatic",
       [](Node& node) { return node.custody.passkeys().remove("env"); }},
      {"rotate",
       [](Node& node) {
         return nothing(node.custody.keks().rotate({"env", {}, 3U, false}));
       },
       true},
      {"remove",
       [](Node& node) {
         return nothing(node.custody.keks().remove("env", 1));
       }},
  };
}

class LifecycleCrash : public testing::Test {
 protected:
  /// One share, env at version 2 of 1 to 3 with two passkeys; static is a
  /// candidate.
  void SetUp() override {
    World world;
    {
      Node first(world);
      auto made = first.init(shamir_params(1, 1));
      ASSERT_TRUE(made);
      share_ = std::move(made->shares.front());
    }
    Node node(world, providers_of(env_kek(world, {1, 2})));
    ASSERT_TRUE(*node.custody.submit_share(share_.clone()));
    for (const std::string name : {"env", "env-2"}) {
      Passkeys::New one;
      one.name = name;
      one.kind = "env";
      ASSERT_TRUE(node.custody.passkeys().add(std::move(one)));
    }
    ASSERT_TRUE(node.barrier.put("a", as_bytes("hello")));
    start_ = contents_of(world.memory);
  }
  void fill(storage::MemoryStorage& memory) const {
    ASSERT_TRUE(memory.commit(start_));
  }
  static Providers configured(World& world) {
    Providers all = providers_of(env_kek(world, {1, 2, 3}));
    all.push_back(
        std::move(static_provider(world, static_key("k", 7)).front()));
    return all;
  }
  /// Opens, runs, and says how many steps the change took.
  std::uint64_t run(FaultStorage& faulty, const Operation& operation,
                    std::optional<std::uint64_t> crash, Result<void>& result) {
    World world(faulty);
    Node node(world, configured(world), cheap_passphrases());
    EXPECT_TRUE(node.custody.submit_share(share_.clone()).value_or(false));
    faulty.clear();
    if (crash) faulty.crash_at(*crash);
    result = operation.run(node);
    const std::uint64_t steps = faulty.steps();
    faulty.clear();
    return steps;
  }
  void expect_opens(storage::Storage& storage) {
    World world(storage);
    Node node(world, configured(world));
    ASSERT_TRUE(node.custody.auto_unseal().value_or(false));
    const auto entry = node.barrier.get("a");
    ASSERT_TRUE(entry && *entry);
    EXPECT_EQ(as_text((*entry)->value.expose()), "hello");
  }
  /// The state after the change that nothing disturbed.
  std::set<std::string> after(const Operation& operation) {
    storage::MemoryStorage memory;
    fill(memory);
    FaultStorage faulty(memory);
    Result<void> result;
    steps_ = run(faulty, operation, std::nullopt, result);
    EXPECT_TRUE(result) << operation.name << ": " << result.error().message();
    return shape_of(memory);
  }

  Contents start_;
  SecretBytes share_;
  std::uint64_t steps_ = 0;
};

TEST_F(LifecycleCrash, LeavesTheOldStateOrTheNewAtEveryStep) {
  for (const Operation& operation : operations()) {
    const auto wanted_shape = after(operation);
    const std::uint64_t steps = steps_;
    ASSERT_GE(steps, 3U) << operation.name;
    for (std::uint64_t step = 1; step <= steps; ++step) {
      SCOPED_TRACE(operation.name + ", dead at step " + std::to_string(step));
      storage::MemoryStorage memory;
      fill(memory);
      const auto old_shape = shape_of(memory);
      FaultStorage faulty(memory);
      Result<void> result;
      run(faulty, operation, step, result);
      const auto shape = shape_of(memory);
      expect_opens(memory);
      if (!operation.in_phases) {
        EXPECT_TRUE(shape == old_shape || shape == wanted_shape);
      }
      if (result) {
        EXPECT_EQ(shape, wanted_shape);
      }
      if (shape == wanted_shape) continue;
      Result<void> again;
      run(faulty, operation, std::nullopt, again);
      EXPECT_TRUE(again) << again.error().message();
      EXPECT_EQ(shape_of(memory), wanted_shape);
      expect_opens(memory);
    }
  }
}

// A commit that was taken, and whose answer was lost, is found out by asking.
TEST_F(LifecycleCrash, AsksWhenTheOutcomeIsUnknown) {
  for (const Operation& operation : operations()) {
    SCOPED_TRACE(operation.name);
    const auto wanted_shape = after(operation);
    for (const auto when :
         {FaultStorage::When::kBefore, FaultStorage::When::kAfter}) {
      storage::MemoryStorage memory;
      fill(memory);
      FaultStorage faulty(memory);
      World world(faulty);
      Node node(world, configured(world), cheap_passphrases());
      ASSERT_TRUE(*node.custody.submit_share(share_.clone()));
      // The first write after unsealing stores the keyring's count, too.
      ASSERT_TRUE(node.barrier.put("b", as_bytes("x")));
      world.clock.step(Seconds{60});
      faulty.fail_commit(1, when);
      const auto result = operation.run(node);
      EXPECT_EQ(result.has_value(), when == FaultStorage::When::kAfter);
      if (!result) {
        EXPECT_EQ(result.error().code(), ErrorCode::kUnavailable);
        EXPECT_TRUE(operation.run(node));
      }
      EXPECT_EQ(shape_of(memory), wanted_shape);
      expect_opens(memory);
    }
  }
}

// Half way through a rotation a restarted server opens, whether it has both
// versions or only the one that some passkey is under.
TEST_F(LifecycleCrash, OpensInTheMiddleOfARotation) {
  const Operation rotate = operations()[7];
  ASSERT_EQ(rotate.name, "rotate");
  after(rotate);
  for (std::uint64_t step = 1, steps = steps_; step <= steps; ++step) {
    SCOPED_TRACE(step);
    storage::MemoryStorage memory;
    fill(memory);
    FaultStorage faulty(memory);
    Result<void> result;
    run(faulty, rotate, step, result);
    World world(memory);
    Node node(world, configured(world));
    const auto status = node.custody.keks().status();
    ASSERT_TRUE(status);
    for (const auto& [version, count] : status->front().envelopes) {
      EXPECT_TRUE(version == 2 || version == 3);
    }
    // The pointer moved only when all were there.
    if (status->front().active == 3) {
      EXPECT_EQ(status->front().envelopes.size(), 1U);
      EXPECT_TRUE(status->front().envelopes.contains(3));
    }
  }
}

// Unsealing writes one record, and a server that died over it opens again.
TEST_F(LifecycleCrash, UnsealsAgainWhateverStepItDiedAt) {
  for (std::uint64_t step = 1; step <= 60; ++step) {
    storage::MemoryStorage memory;
    fill(memory);
    FaultStorage faulty(memory);
    World world(faulty);
    Node node(world, configured(world));
    faulty.crash_at(step);
    static_cast<void>(node.custody.auto_unseal());
    expect_opens(memory);
  }
}

}  // namespace
}  // namespace bulla::seal
