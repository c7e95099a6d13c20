#include "seal/kek_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kek/config_kek.h"
#include "seal/node_beat.h"
#include "seal/passkeys.h"
#include "seal/test_world.h"

namespace bulla::seal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

/// An installation under env version 1.
class KekVersionsTest : public testing::Test {
 protected:
  void SetUp() override {
    Node first(world_, providers_of(env_kek(world_, {1})));
    ASSERT_TRUE(first.init({}));
    ASSERT_TRUE(first.barrier.put("a", as_bytes("hello")));
  }
  Providers env(const std::vector<kek::KekVersion>& versions) {
    return providers_of(env_kek(world_, versions));
  }
  bool opens(const std::vector<kek::KekVersion>& versions) {
    Node node(world_, env(versions));
    return node.custody.auto_unseal().value_or(false);
  }
  static KekVersions::Status status_of(Node& node) {
    return node.custody.keks().status().value().front();
  }
  template <typename T>
  static std::string error_of(const Result<T>& result) {
    return result ? "" : result.error().message();
  }

  World world_;
};

TEST_F(KekVersionsTest, RotatesEveryEnvelope) {
  Node node(world_, env({1, 2}));
  ASSERT_TRUE(*node.custody.auto_unseal());
  Passkeys::New second;
  second.name = "second";
  second.kind = "env";
  ASSERT_TRUE(node.custody.passkeys().add(std::move(second)));
  auto status = status_of(node);
  EXPECT_EQ(status.active, 1U);
  EXPECT_THAT(status.loaded, ElementsAre(1U, 2U));
  EXPECT_THAT(status.envelopes, ElementsAre(Pair(1U, 2U)));
  const auto checked = node.custody.keks().verify("env", 2);
  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(checked->rewrapped, 2U);
  EXPECT_THAT(status_of(node).envelopes, ElementsAre(Pair(1U, 2U)));

  const auto done = node.custody.keks().rotate({"", 1U, 2U, false});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->from, 1U);
  EXPECT_EQ(done->to, 2U);
  EXPECT_EQ(done->envelopes, 2U);
  EXPECT_EQ(done->rewrapped, 2U);
  status = status_of(node);
  EXPECT_EQ(status.active, 2U);
  EXPECT_EQ(status.target, 0U);
  EXPECT_THAT(status.envelopes, ElementsAre(Pair(2U, 2U)));
  EXPECT_TRUE(opens({2}));
  EXPECT_TRUE(opens({1, 2}));
  EXPECT_FALSE(opens({1}));
  const auto again = node.custody.keks().rotate({"", {}, 2U, false});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->rewrapped, 0U);
}

TEST_F(KekVersionsTest, RotatesAStoppedServersStore) {
  Node node(world_, env({1, 2}));
  ASSERT_TRUE(node.barrier.sealed());
  const auto done = node.custody.keks().rotate({});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->to, 2U);  // the newest
  EXPECT_TRUE(opens({2}));
}

TEST_F(KekVersionsTest, ADryRunWritesNothing) {
  Node node(world_, env({1, 2}));
  ASSERT_TRUE(node.custody.initialized());
  const auto before = world_.storage->get(SealConfig::kPath)->value().version;
  const auto done = node.custody.keks().rotate({"", {}, 2U, true});
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->dry_run);
  EXPECT_EQ(done->rewrapped, 1U);
  EXPECT_EQ(world_.storage->get(SealConfig::kPath)->value().version, before);
  EXPECT_EQ(status_of(node).active, 1U);
}

TEST_F(KekVersionsTest, RefusesWhatCannotBe) {
  Node node(world_, env({1, 2}));
  auto keks = node.custody.keks();
  EXPECT_THAT(error_of(keks.rotate({"", 7U, 2U, false})),
              HasSubstr("version 1 of seal \"env\" is active, not 7"));
  EXPECT_THAT(error_of(keks.rotate({"", {}, 3U, false})),
              HasSubstr("version 3 is not loaded (loaded: 1, 2)"));
  EXPECT_THAT(error_of(keks.rotate({"kms", {}, 2U, false})),
              HasSubstr("no passkey is under a seal \"kms\""));
  EXPECT_THAT(error_of(keks.verify("", 9)), HasSubstr("not loaded"));
  World empty;
  Node fresh(empty, providers_of(env_kek(empty, {1})));
  expect_error(fresh.custody.keks().rotate({}), ErrorCode::kInvalidArgument,
               "Vault is not initialized");
}

TEST_F(KekVersionsTest, RemovesOnlyWhatNobodyNeeds) {
  Node node(world_, env({1, 2}));
  auto keks = node.custody.keks();
  EXPECT_THAT(error_of(keks.remove("", 1)), HasSubstr("it is the active one"));
  ASSERT_TRUE(keks.rotate({}));
  ASSERT_TRUE(keks.remove("", 1));
  EXPECT_TRUE(keks.remove("", 1));
  EXPECT_THAT(status_of(node).removed, ElementsAre(1U));
  EXPECT_THAT(error_of(keks.rotate({"", {}, 1U, false})),
              HasSubstr("version 1 was removed"));
  EXPECT_FALSE(keks.remove("", 2));
  // One that was never there is a slip of the hand, and is to come yet.
  const auto unknown = keks.remove("", 3);
  expect_error(unknown, ErrorCode::kNotFound,
               "seal \"env\": there is no version 3 (loaded: 1, 2)");
  EXPECT_THAT(status_of(node).removed, ElementsAre(1U));
}

TEST_F(KekVersionsTest, RemoveCountsEnvelopes) {
  Node node(world_, env({1, 2}));
  ASSERT_TRUE(node.custody.keks().rotate({}));
  // An envelope of the old version that came from elsewhere (a restore).
  const auto path = world_.storage->scan(Passkey::kPrefix)->front();
  auto passkey =
      Passkey::parse("old", world_.storage->get(path)->value().value).value();
  passkey.name = "old";
  passkey.wrapped.version = 1;
  const storage::Change put{passkey.path(), passkey.serialise(), {}};
  ASSERT_TRUE(world_.storage->commit({&put, 1}));
  EXPECT_THAT(error_of(node.custody.keks().remove("", 1)),
              HasSubstr("passkey \"old\" is under it"));
}

TEST_F(KekVersionsTest, WaitsForEveryLiveNode) {
  Node old(world_, env({1}));
  ASSERT_TRUE(old.custody.keks().beat("node-a:8200"));
  Node node(world_, env({1, 2}));
  ASSERT_TRUE(node.custody.keks().beat("node-b:8200"));
  auto keks = node.custody.keks();
  const auto status = status_of(node);
  ASSERT_EQ(status.nodes.size(), 1U);  // the others
  EXPECT_EQ(status.nodes[0].name, "node-a:8200");
  EXPECT_TRUE(status.nodes[0].live);
  EXPECT_THAT(status.nodes[0].loaded, ElementsAre(1U));
  const auto refused = keks.rotate({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message(), HasSubstr("node \"node-a:8200\""));
  EXPECT_THAT(status_of(node).envelopes, ElementsAre(Pair(1U, 1U)));
  EXPECT_EQ(status_of(node).target, 0U);

  Node updated(world_, env({1, 2}));  // the same node, restarted
  ASSERT_TRUE(updated.custody.keks().beat("node-a:8200"));
  EXPECT_TRUE(keks.rotate({}));

  // A live node that could not open any more keeps the old version alive.
  Node behind(world_, env({1}));
  ASSERT_TRUE(behind.custody.keks().beat("node-c:8200"));
  EXPECT_THAT(error_of(keks.remove("", 1)), HasSubstr("node \"node-c:8200\""));
  world_.clock.step(KekVersions::kLive);
  EXPECT_TRUE(keks.remove("", 1));
}

TEST_F(KekVersionsTest, ADeadNodeHoldsNothingUp) {
  Node old(world_, env({1}));
  ASSERT_TRUE(old.custody.keks().beat("node-a:8200"));
  Node node(world_, env({1, 2}));
  world_.clock.step(KekVersions::kLive - Seconds{1});
  EXPECT_FALSE(node.custody.keks().rotate({}));
  world_.clock.step(Seconds{1});
  EXPECT_TRUE(node.custody.keks().rotate({}));
}

TEST_F(KekVersionsTest, TheDeadDoNotHideTheLiving) {
  Node old(world_, env({1}));
  std::vector<std::string> names;
  for (std::size_t i = 0; i <= NodeBeat::kPageMax; ++i) {
    names.push_back("pod-" + std::to_string(i));
  }
  std::ranges::sort(names, {}, NodeBeat::path_of);
  const std::string last = names.back();
  for (const std::string& name : names) {
    ASSERT_TRUE(old.custody.keks().beat(name));
  }
  world_.clock.step(KekVersions::kLive);
  ASSERT_TRUE(old.custody.keks().beat(last));
  Node node(world_, env({1, 2}));
  EXPECT_THAT(error_of(node.custody.keks().rotate({})),
              HasSubstr("node \"" + last + "\""));
  // A day later nothing is left of those that died.
  world_.clock.step(KekVersions::kForgotten);
  for (int beats = 0; beats < 2; ++beats) {
    ASSERT_TRUE(old.custody.keks().beat("node-a:8200"));
  }
  EXPECT_EQ(world_.storage->scan(NodeBeat::kPrefix)->size(), 1U);
}

TEST_F(KekVersionsTest, ANodeThatStopsSaysSo) {
  Node old(world_, env({1}));
  ASSERT_TRUE(old.custody.keks().beat("node-a:8200"));
  ASSERT_TRUE(old.custody.keks().leave("node-a:8200"));
  Node node(world_, env({1, 2}));
  EXPECT_TRUE(node.custody.keks().rotate({}));
}

TEST_F(KekVersionsTest, ASoleNodeKnowsThatTheOthersAreGone) {
  Node old(world_, env({1}));
  ASSERT_TRUE(old.custody.keks().beat("container-1:8200"));
  Node node(world_, env({1, 2}),
            {.disabled = {}, .sole_node = true, .passphrase_cost = {}});
  EXPECT_TRUE(node.custody.keks().rotate({}));
}

TEST_F(KekVersionsTest, BeatsOnlyWhereItBelongs) {
  Node stranger(world_);  // its configuration disagrees
  ASSERT_TRUE(stranger.custody.keks().beat("stranger:8200"));
  EXPECT_THAT(*world_.storage->scan(NodeBeat::kPrefix), IsEmpty());
  World empty;
  Node fresh(empty, providers_of(env_kek(empty, {1})));
  ASSERT_TRUE(fresh.custody.keks().beat("fresh:8200"));
  EXPECT_THAT(*empty.storage->scan(""), IsEmpty());
}

TEST_F(KekVersionsTest, AKekThatLiesChangesNothing) {
  const auto faults = std::make_shared<FaultyKek::Switch>();
  Node node(world_, providers_of(std::make_unique<FaultyKek>(
                        env_kek(world_, {1, 2}), faults)));
  faults->other_secret = true;
  EXPECT_THAT(error_of(node.custody.keks().rotate({})),
              HasSubstr("opened to another"));
  faults->other_secret = false;
  faults->error = unavailable("the KMS does not answer");
  const auto down = node.custody.keks().rotate({});
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code(), ErrorCode::kUnavailable);
  faults->error.reset();
  EXPECT_THAT(status_of(node).envelopes, ElementsAre(Pair(1U, 1U)));
  EXPECT_EQ(status_of(node).active, 1U);
  EXPECT_TRUE(opens({1}));
}

// Something that is not a passkey, wrapped directly by a KEK.
class OtherSource final : public EnvelopeSource {
 public:
  OtherSource(storage::Storage& storage, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      paths_.push_back("other/" + std::to_string(i));
    }
    storage_ = &storage;
  }
  Result<void> fill(kek::KekProvider& kek) {
    for (const auto& path : paths_) {
      TRY_ASSIGN(auto wrapped, kek.wrap(secret_text(path), as_bytes(path), 1,
                                        std::chrono::steady_clock::now() +
                                            std::chrono::seconds(5)));
      TRY(put(path, wrapped, {}));
    }
    return {};
  }
  Result<std::vector<Envelope>> envelopes() override {
    std::vector<Envelope> all;
    for (const auto& path : paths_) {
      TRY_ASSIGN(const auto entry, storage_->get(path));
      kek::WrappedKey wrapped;
      wrapped.version = entry->value.front();
      wrapped.blob = Bytes(entry->value.begin() + 1, entry->value.end());
      wrapped.key_id = ids_[path];
      all.push_back({path,
                     path,
                     {"env", "env"},
                     wrapped,
                     to_bytes(as_bytes(path)),
                     entry->version,
                     this});
    }
    return all;
  }
  Result<void> check(const Envelope& envelope,
                     const SecretBytes& opened) override {
    if (as_text(opened.expose()) == envelope.path) return {};
    return fail(corrupt("other"));
  }
  Result<storage::Change> rewrapped(const Envelope& envelope,
                                    kek::WrappedKey wrapped) override {
    return change(envelope.path, wrapped, envelope.version);
  }

 private:
  storage::Change change(const std::string& path,
                         const kek::WrappedKey& wrapped,
                         std::optional<std::uint64_t> expected) {
    ids_[path] = wrapped.key_id;
    Bytes value{static_cast<std::uint8_t>(wrapped.version)};
    value.insert(value.end(), wrapped.blob.begin(), wrapped.blob.end());
    return {path, std::move(value), expected};
  }
  Result<void> put(const std::string& path, const kek::WrappedKey& wrapped,
                   std::optional<std::uint64_t> expected) {
    const storage::Change one = change(path, wrapped, expected);
    return storage_->commit({&one, 1});
  }
  storage::Storage* storage_ = nullptr;
  std::vector<std::string> paths_;
  std::map<std::string, std::string> ids_;
};

TEST_F(KekVersionsTest, TakesAlongWhatIsRegistered) {
  constexpr std::size_t kMany = 150;  // more than one commit takes
  OtherSource other(*world_.storage, kMany);
  ASSERT_TRUE(other.fill(*env_kek(world_, {1})));
  Node node(world_, env({1, 2}));
  node.custody.keks().add_source(other);
  const auto done = node.custody.keks().rotate({});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->rewrapped, kMany + 1);
  EXPECT_THAT(status_of(node).envelopes, ElementsAre(Pair(2U, kMany + 1)));
}

TEST_F(KekVersionsTest, ADamagedEnvelopeStopsTheRotation) {
  const storage::Change junk{
      std::string(Passkey::kPrefix) + "junk", to_bytes("junk"), {}};
  ASSERT_TRUE(world_.storage->commit({&junk, 1}));
  Node node(world_, env({1, 2}));
  EXPECT_EQ(node.custody.keks().rotate({}).error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(opens({1}));
}

// The configuration's KEKs bear no numbers: those of storage are theirs.
TEST(KekVersionsConfig, FollowsTheUspProcedure) {
  World world;
  const SecretBytes a = SecretBytes::copy_of(Bytes(32, 1));
  const SecretBytes b = SecretBytes::copy_of(Bytes(32, 2));
  const SecretBytes c = SecretBytes::copy_of(Bytes(32, 3));
  const auto config = [&](const SecretBytes& now, const SecretBytes* next) {
    return providers_of(
        kek::ConfigKek::create("config", now, next, world.rng).value());
  };
  const auto opens = [&](const SecretBytes& now) {
    Node node(world, config(now, nullptr));
    return node.custody.auto_unseal();
  };
  {
    Node node(world, config(a, nullptr));
    ASSERT_TRUE(node.init({}));
  }
  const SecretBytes* before = &a;
  kek::KekVersion version = 1;
  for (const SecretBytes* next : {&b, &c}) {
    Node node(world, config(*before, next));
    const auto done = node.custody.keks().rotate({});
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->from, version);
    EXPECT_EQ(done->to, ++version);
    EXPECT_TRUE(*opens(*next));
    const auto old = opens(*before);
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code(), ErrorCode::kCorrupt);
    EXPECT_THAT(old.error().message(), HasSubstr("fingerprint"));
    before = next;
  }
}

}  // namespace
}  // namespace bulla::seal
