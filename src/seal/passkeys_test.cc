#include "seal/passkeys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seal/test_world.h"

namespace bulla::seal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kPhrase = "correct horse battery";

Passkeys::New new_shamir(std::string name, std::int64_t shares,
                         std::int64_t threshold) {
  Passkeys::New wanted;
  wanted.name = std::move(name);
  wanted.kind = "shamir";
  wanted.shares = shares;
  wanted.threshold = threshold;
  return wanted;
}

Passkeys::New new_passphrase(std::string name, std::string_view phrase) {
  Passkeys::New wanted;
  wanted.name = std::move(name);
  wanted.kind = "passphrase";
  wanted.passphrase = secret_text(phrase);
  return wanted;
}

Passkeys::New new_automatic(std::string name, std::string kind,
                            std::string provider = "") {
  Passkeys::New wanted;
  wanted.name = std::move(name);
  wanted.kind = std::move(kind);
  wanted.provider = std::move(provider);
  return wanted;
}

std::string error_of(const Result<void>& result) {
  return result ? "" : result.error().message();
}

/// An installation that began with one share, open, with env a candidate.
class PasskeysTest : public testing::Test {
 protected:
  void SetUp() override {
    {
      Node first(world_);
      auto made = first.init(shamir_params(1, 1));
      ASSERT_TRUE(made) << made.error().message();
      share_ = std::move(made->shares.front());
      ASSERT_TRUE(first.barrier.put("a", as_bytes("hello")));
    }
    node_.emplace(world_, providers_of(env_kek(world_, {1})),
                  cheap_passphrases());
    ASSERT_TRUE(*node_->custody.submit_share(share_.clone()));
  }
  Passkeys passkeys() { return node_->custody.passkeys(); }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    const auto listed = passkeys().list().value();
    for (const auto& passkey : listed) {
      all.push_back(passkey.name);
    }
    return all;
  }
  std::vector<std::string> recorded() {
    const auto config =
        SealConfig::parse(world_.storage->get(SealConfig::kPath)->value().value)
            .value();
    std::vector<std::string> all;
    for (const auto& provider : config.providers) {
      all.push_back(provider_text(provider.id));
    }
    return all;
  }
  static void expect_opened(Node& node) {
    ASSERT_FALSE(node.barrier.sealed());
    const auto entry = node.barrier.get("a");
    ASSERT_TRUE(entry && *entry);
    EXPECT_EQ(as_text((*entry)->value.expose()), "hello");
  }

  World world_;
  std::optional<Node> node_;
  SecretBytes share_;
};

TEST_F(PasskeysTest, MovesToAProviderOnline) {
  const auto added = passkeys().add(new_automatic("hsm", "env"));
  ASSERT_TRUE(added) << added.error().message();
  EXPECT_TRUE(added->shares.empty());
  EXPECT_EQ(added->passkey.provider, "env");
  EXPECT_EQ(added->passkey.wrapped.version, 1U);
  EXPECT_THAT(recorded(), ElementsAre("env"));
  world_.clock.step(Seconds{60});
  const auto verified = passkeys().verify("hsm", {});
  ASSERT_TRUE(verified) << verified.error().message();
  EXPECT_EQ(verified->verified, world_.clock.now());
  EXPECT_EQ(verified->created + Seconds{60}, verified->verified);
  ASSERT_TRUE(passkeys().remove("shamir"));
  EXPECT_THAT(names(), ElementsAre("hsm"));

  Node again(world_, providers_of(env_kek(world_, {1})));
  EXPECT_FALSE(*again.custody.submit_share(share_.clone()));
  EXPECT_TRUE(*again.custody.auto_unseal());
  expect_opened(again);
  EXPECT_EQ(again.custody.status()->type, "env");
  Node without(world_);
  EXPECT_FALSE(without.custody.check_install());
}

TEST_F(PasskeysTest, BreaksTheGlassWhileTheProviderIsDown) {
  ASSERT_TRUE(passkeys().add(new_automatic("kms", "env")));
  ASSERT_TRUE(passkeys().add(new_automatic("kms-2", "env")));
  const auto faults = std::make_shared<FaultyKek::Switch>();
  faults->error = unavailable("the KMS does not answer");
  Node down(world_, providers_of(std::make_unique<FaultyKek>(
                        env_kek(world_, {1}), faults)));
  const auto opened = down.custody.auto_unseal();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(faults->calls, 1);  // not once a passkey
  EXPECT_TRUE(*down.custody.submit_share(share_.clone()));
  expect_opened(down);
}

TEST_F(PasskeysTest, TakesSharesWhileAProviderIsSlow) {
  ASSERT_TRUE(passkeys().add(new_automatic("kms", "env")));
  const auto faults = std::make_shared<FaultyKek::Switch>();
  faults->delay = std::chrono::milliseconds(400);
  Node slow(world_, providers_of(std::make_unique<FaultyKek>(
                        env_kek(world_, {1}), faults)));
  std::thread asking([&] { EXPECT_TRUE(*slow.custody.auto_unseal()); });
  while (faults->calls == 0) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(*slow.custody.submit_share(share_.clone()));
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(300));
  asking.join();
  expect_opened(slow);
}

TEST_F(PasskeysTest, OneProviderThatFailsDoesNotStopAnother) {
  Node node(world_, providers_of(env_kek(world_, {1}, "first"),
                                 env_kek(world_, {1}, "second")));
  ASSERT_TRUE(*node.custody.submit_share(share_.clone()));
  ASSERT_TRUE(
      node.custody.passkeys().add(new_automatic("one", "env", "first")));
  ASSERT_TRUE(
      node.custody.passkeys().add(new_automatic("two", "env", "second")));
  const auto ambiguous = node.custody.passkeys().add(new_automatic("x", "env"));
  ASSERT_FALSE(ambiguous);
  EXPECT_THAT(ambiguous.error().message(), HasSubstr("several seals"));
  for (const auto& [error, message] :
       std::vector<std::pair<Error, std::string>>{
           {unavailable("down"), "down"},
           {permission_denied(), "permission denied"},
           {corrupt("forged"), "forged"}}) {
    const auto faults = std::make_shared<FaultyKek::Switch>();
    faults->error = error;
    Node again(world_, providers_of(std::make_unique<FaultyKek>(
                                        env_kek(world_, {1}, "first"), faults),
                                    env_kek(world_, {1}, "second")));
    EXPECT_TRUE(*again.custody.auto_unseal());
    EXPECT_EQ(faults->calls, 1);
    expect_opened(again);
    const auto both = std::make_shared<FaultyKek::Switch>();
    both->error = error;
    Node none(
        world_,
        providers_of(
            std::make_unique<FaultyKek>(env_kek(world_, {1}, "first"), both),
            std::make_unique<FaultyKek>(env_kek(world_, {1}, "second"), both)));
    const auto opened = none.custody.auto_unseal();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), error.code());
    EXPECT_THAT(opened.error().message(), HasSubstr("seal \"first\""));
    EXPECT_THAT(opened.error().message(), HasSubstr(message));
  }
}

TEST_F(PasskeysTest, AddsSharesOnceAndSeveralSets) {
  auto added = passkeys().add(new_shamir("break-glass", 3, 2));
  ASSERT_TRUE(added) << added.error().message();
  ASSERT_EQ(added->shares.size(), 3U);
  Node again(world_, {}, cheap_passphrases());
  EXPECT_FALSE(*again.custody.submit_share(added->shares[2].clone()));
  EXPECT_TRUE(*again.custody.submit_share(added->shares[0].clone()));
  expect_opened(again);
  // The first set still opens, whatever was begun.
  Node other(world_);
  EXPECT_FALSE(*other.custody.submit_share(added->shares[2].clone()));
  ASSERT_TRUE(other.custody.reset_shares());
  EXPECT_TRUE(*other.custody.submit_share(share_.clone()));
  ASSERT_FALSE(passkeys().add(new_shamir("bad", 2, 3)));
  ASSERT_FALSE(passkeys().add(new_shamir("bad", 0, 0)));
}

TEST_F(PasskeysTest, OpensWithAPassphraseOfPeople) {
  const auto added = passkeys().add(new_passphrase("office", kPhrase));
  ASSERT_TRUE(added) << added.error().message();
  EXPECT_EQ(added->passkey.provider, "");
  EXPECT_THAT(recorded(), ElementsAre());
  Node again(world_);
  const auto wrong = again.custody.unlock_with_passphrase(
      secret_text("correct horse batterx"), "");
  expect_error(wrong.map([](const Unlocked&) {}), ErrorCode::kInvalidArgument,
               "the passphrase does not open passkey \"office\"");
  const auto absent =
      again.custody.unlock_with_passphrase(secret_text(kPhrase), "home");
  expect_error(absent.map([](const Unlocked&) {}), ErrorCode::kInvalidArgument,
               "no passphrase passkey is called \"home\"");
  for (const std::string_view name : {"", "office"}) {
    Node node(world_);
    auto unlocked =
        node.custody.unlock_with_passphrase(secret_text(kPhrase), name);
    ASSERT_TRUE(unlocked) << unlocked.error().message();
    EXPECT_TRUE(node.barrier.sealed());
    ASSERT_TRUE(node.custody.take(*std::move(unlocked)));
    expect_opened(node);
  }
  EXPECT_FALSE(passkeys().add(new_passphrase("weak", "short")));
  EXPECT_FALSE(passkeys().add(new_passphrase("long", std::string(1025, 'x'))));
}

TEST_F(PasskeysTest, ProvesWhatPeopleHold) {
  auto shamir = passkeys().add(new_shamir("team", 3, 2));
  ASSERT_TRUE(shamir);
  ASSERT_TRUE(passkeys().add(new_passphrase("office", kPhrase)));
  EXPECT_TRUE(passkeys().verify("team", {}));
  EXPECT_TRUE(passkeys().verify("office", {}));
  const auto proof = [&](std::vector<std::size_t> which) {
    Passkeys::Proof given;
    for (const std::size_t i : which) {
      given.shares.push_back(shamir->shares[i].clone());
    }
    return given;
  };
  EXPECT_TRUE(passkeys().verify("team", proof({0, 2})));
  EXPECT_FALSE(passkeys().verify("team", proof({0})));
  EXPECT_FALSE(passkeys().verify("shamir", proof({0, 2})));
  EXPECT_FALSE(passkeys().verify("office", proof({0, 2})));
  EXPECT_TRUE(passkeys().verify("office", {secret_text(kPhrase), {}}));
  EXPECT_FALSE(passkeys().verify("office", {secret_text("not the one"), {}}));
  EXPECT_FALSE(passkeys().verify("team", {secret_text(kPhrase), {}}));
  EXPECT_EQ(passkeys().verify("nobody", {}).error().code(),
            ErrorCode::kNotFound);
}

TEST_F(PasskeysTest, KeepsTheLastOneThatOpens) {
  const auto alone = passkeys().remove("shamir");
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(alone.error().message(), HasSubstr("is the last one that opens"));

  const auto faults = std::make_shared<FaultyKek::Switch>();
  Node node(world_, providers_of(std::make_unique<FaultyKek>(
                        env_kek(world_, {1}), faults)));
  ASSERT_TRUE(*node.custody.submit_share(share_.clone()));
  Passkeys open = node.custody.passkeys();
  ASSERT_TRUE(open.add(new_automatic("kms", "env")));
  faults->error = unavailable("the KMS does not answer");
  const auto refused = open.remove("shamir");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(),
              HasSubstr("\"kms\": seal \"env\": the KMS does not answer"));
  faults->error.reset();
  faults->other_secret = true;
  EXPECT_THAT(error_of(open.remove("shamir")), HasSubstr("another root key"));
  EXPECT_THAT(error_of(open.verify("kms", {}).map([](const Passkey&) {})),
              HasSubstr("another root key"));
  faults->other_secret = false;
  EXPECT_TRUE(open.remove("shamir"));
  EXPECT_FALSE(open.remove("kms"));
}

TEST_F(PasskeysTest, DeletesTheSealedCopyAndTheKek) {
  const auto added = passkeys().add(new_passphrase("office", kPhrase));
  ASSERT_TRUE(added);
  ASSERT_TRUE(world_.storage->get(added->passkey.kek_path())->has_value());
  ASSERT_TRUE(passkeys().remove("office"));
  EXPECT_FALSE(world_.storage->get(added->passkey.path())->has_value());
  EXPECT_FALSE(world_.storage->get(added->passkey.kek_path())->has_value());
  Node again(world_);
  EXPECT_FALSE(again.custody.unlock_with_passphrase(secret_text(kPhrase), ""));
}

TEST_F(PasskeysTest, Renames) {
  ASSERT_TRUE(passkeys().add(new_automatic("kms", "env")));
  EXPECT_EQ(passkeys().rename("kms", "cloud")->name, "cloud");
  EXPECT_THAT(names(), testing::UnorderedElementsAre("shamir", "cloud"));
  EXPECT_FALSE(passkeys().rename("kms", "other"));
  EXPECT_FALSE(passkeys().rename("cloud", "shamir"));
  for (const std::string bad : {"", ".x", "x-", "a/b", "a b"}) {
    EXPECT_FALSE(passkeys().rename("cloud", bad)) << bad;
  }
  Node again(world_, providers_of(env_kek(world_, {1})));
  EXPECT_TRUE(*again.custody.auto_unseal());
}

TEST_F(PasskeysTest, RefusesWhatDoesNotFit) {
  const auto refused = [&](Passkeys::New wanted, std::string_view why) {
    const auto added = passkeys().add(std::move(wanted));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(added.error().message(), HasSubstr(why));
  };
  refused(new_automatic("x", "transit"), "no seal \"transit\" is configured");
  refused(new_automatic("x", "env", "spare"), "name = \"spare\"");
  refused(new_automatic("x", "passphrase"), "or give a passphrase");
  refused(new_shamir("shamir", 3, 2), "is called \"shamir\" already");
  refused(new_shamir("no name", 3, 2), "a passkey's name");
  Passkeys::New mixed = new_automatic("x", "env");
  mixed.shares = 3;
  refused(std::move(mixed), "for the kind shamir alone");
  mixed = new_automatic("x", "env");
  mixed.passphrase = secret_text(kPhrase);
  refused(std::move(mixed), "for the kind passphrase alone");
  for (std::size_t i = 1; i < Passkey::kCountMax; ++i) {
    ASSERT_TRUE(passkeys().add(new_shamir("s" + std::to_string(i), 1, 1)));
  }
  refused(new_shamir("one-more", 1, 1), "no more fit");
  EXPECT_TRUE(passkeys().remove("s7"));
  EXPECT_TRUE(passkeys().add(new_shamir("one-more", 1, 1)));
}

TEST_F(PasskeysTest, NeedsAnOpenBarrier) {
  node_->custody.seal();
  EXPECT_EQ(passkeys().add(new_shamir("x", 1, 1)).error().code(),
            ErrorCode::kSealed);
  EXPECT_EQ(passkeys().verify("shamir", {}).error().code(), ErrorCode::kSealed);
  EXPECT_EQ(passkeys().remove("shamir").error().code(), ErrorCode::kSealed);
  EXPECT_EQ(passkeys().rename("shamir", "x").error().code(),
            ErrorCode::kSealed);
  EXPECT_EQ(passkeys().list()->size(), 1U);
}

TEST_F(PasskeysTest, StoresNoKeyInTheClear) {
  auto added = passkeys().add(new_shamir("whole", 1, 1));
  ASSERT_TRUE(added);
  ASSERT_TRUE(passkeys().add(new_passphrase("office", kPhrase)));
  ASSERT_TRUE(passkeys().verify("office", {}));
  const auto key = as_text(added->shares.front().expose());
  const auto first = as_text(share_.expose());
  const auto paths = world_.storage->scan("").value();
  for (const std::string& path : paths) {
    const auto entry = world_.storage->get(path);
    for (const std::string_view secret : {key, first, kPhrase}) {
      EXPECT_EQ(as_text((*entry)->value).find(secret), std::string_view::npos)
          << path;
    }
  }
}

TEST_F(PasskeysTest, TwoChangesAtOnceAreNotMixed) {
  Node other(world_);
  ASSERT_TRUE(*other.custody.submit_share(share_.clone()));
  // Between this one's reading and its commit another node adds one.
  const auto faults = std::make_shared<FaultyKek::Switch>();
  faults->delay = std::chrono::milliseconds(200);
  Node slow(world_, providers_of(std::make_unique<FaultyKek>(
                        env_kek(world_, {1}), faults)));
  ASSERT_TRUE(*slow.custody.submit_share(share_.clone()));
  Result<Passkeys::Added> late = fail(internal_error(""));
  std::thread adding([&] {
    late = slow.custody.passkeys().add(new_automatic("late", "env"));
  });
  while (faults->calls == 0) std::this_thread::yield();
  ASSERT_TRUE(other.custody.passkeys().add(new_shamir("early", 1, 1)));
  adding.join();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kConflict);
  EXPECT_THAT(names(), testing::UnorderedElementsAre("shamir", "early"));
  EXPECT_TRUE(slow.custody.passkeys().add(new_automatic("late", "env")));
}

}  // namespace
}  // namespace bulla::seal
