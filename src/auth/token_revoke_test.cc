#include <gmock/gmock.h>

#include <random>
#include <set>
#include <thread>

#include "auth/token_fixture.h"

namespace bulla::auth {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

class TokenRevokeTest : public TokenFixture {
 protected:
  // Every stored token with a parent has its parent stored.
  void expect_no_usable_orphan() {
    const auto paths = memory_.scan("sys/token/id/").value();
    for (const std::string& path : paths) {
      const auto token = tokens_.lookup_hash(path.substr(13));
      ASSERT_TRUE(token) << path;
      if ((*token)->parent.empty()) continue;
      EXPECT_TRUE(*memory_.get("sys/token/id/" + (*token)->parent));
    }
  }
  std::vector<CreatedToken> random_tree(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<CreatedToken> tree = {make(spec())};
    while (tree.size() < size) {
      tree.push_back(child_of(tree[random() % tree.size()]));
    }
    return tree;
  }
};

TEST_F(TokenRevokeTest, TakesTheWholeTreeAndNothingElse) {
  const CreatedToken other = make(spec());
  const CreatedToken top = make(spec());
  const CreatedToken root = child_of(top);
  const CreatedToken child = child_of(root);
  const CreatedToken leaf = child_of(child);
  const std::uint64_t epoch = tokens_.epoch();
  ASSERT_TRUE(tokens_.revoke(root.token->hash));
  EXPECT_GT(tokens_.epoch(), epoch);
  EXPECT_TRUE(lives(top) && lives(other));
  EXPECT_FALSE(lives(root) || lives(child) || lives(leaf));
  ASSERT_TRUE(tokens_.revoke(top.token->hash));
  ASSERT_TRUE(tokens_.revoke(other.token->hash));
  EXPECT_EQ(entries(), 1U);  // the hash key; no index is left behind
}

TEST_F(TokenRevokeTest, UnknownHashesAreFine) {
  EXPECT_TRUE(tokens_.revoke(""));
  EXPECT_TRUE(tokens_.revoke("nope"));
  EXPECT_TRUE(tokens_.revoke(std::string(64, 'a')));
  EXPECT_FALSE(tokens_.revoke_orphan(std::string(64, 'a')));
}

TEST_F(TokenRevokeTest, DeepAndWideTrees) {
  CreatedToken at = make(spec());
  const CreatedToken root = at;
  for (int i = 0; i < 300; ++i) at = child_of(at);
  for (int i = 0; i < 300; ++i) child_of(root);
  ASSERT_TRUE(tokens_.revoke(root.token->hash));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(TokenRevokeTest, OrphaningKeepsTheChildren) {
  const CreatedToken root = make(spec());
  const CreatedToken child = child_of(root);
  const CreatedToken leaf = child_of(child);
  ASSERT_TRUE(tokens_.revoke_orphan(root.token->hash));
  EXPECT_FALSE(lives(root));
  EXPECT_TRUE(lives(child) && lives(leaf));
  EXPECT_TRUE((*tokens_.lookup(child.client_token, true))->orphan);
  EXPECT_FALSE((*tokens_.lookup(leaf.client_token, true))->orphan);
  ASSERT_TRUE(tokens_.revoke(child.token->hash));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(TokenRevokeTest, TheHookSeesEachTokenBeforeItGoes) {
  std::vector<std::string> seen;
  tokens_.on_revoke([&](const api::Token& token) -> Result<void> {
    EXPECT_TRUE(*memory_.get("sys/token/id/" + token.hash));
    seen.push_back(token.hash);
    return {};
  });
  const CreatedToken root = make(spec());
  const CreatedToken child = child_of(root);
  ASSERT_TRUE(tokens_.revoke(root.token->hash));
  EXPECT_THAT(seen,
              ::testing::ElementsAre(child.token->hash, root.token->hash));
}

TEST_F(TokenRevokeTest, AFailingHookStopsItButTheTokenStaysRefused) {
  bool fails = true;
  tokens_.on_revoke([&](const api::Token&) -> Result<void> {
    if (fails) return fail(unavailable("no"));
    return {};
  });
  const CreatedToken root = make(spec());
  EXPECT_FALSE(tokens_.revoke(root.token->hash));
  EXPECT_FALSE(lives(root));
  fails = false;
  EXPECT_TRUE(tokens_.revoke(root.token->hash));
  EXPECT_EQ(entries(), 1U);
}

// A crash at every step leaves no token whose parent is gone, and revoking
// again ends it.
TEST_F(TokenRevokeTest, CrashAtEveryStepLeavesNoUsableOrphan) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto tree = random_tree(70, seed);
  storage_.clear();
  const std::uint64_t first = storage_.steps();
  ASSERT_TRUE(tokens_.revoke(tree[0].token->hash));
  const std::uint64_t steps = storage_.steps() - first;
  ASSERT_GT(steps, 70U);
  for (std::uint64_t step = 1; step <= steps; step += 1 + step % 5) {
    tree = random_tree(70, seed);
    storage_.clear();
    storage_.crash_at(step);
    EXPECT_FALSE(tokens_.revoke(tree[0].token->hash));
    EXPECT_FALSE(lives(tree[0])) << "refused from the first moment";
    storage_.clear();
    restart();
    expect_no_usable_orphan();
    ASSERT_TRUE(tokens_.revoke(tree[0].token->hash));
    EXPECT_EQ(entries(), 1U) << "step " << step;
  }
}

TEST_F(TokenRevokeTest, CrashWhileOrphaningLosesNoChild) {
  for (std::uint64_t step = 1; step < 60; ++step) {
    const CreatedToken root = make(spec());
    const CreatedToken a = child_of(root);
    const CreatedToken b = child_of(root);
    storage_.clear();
    storage_.crash_at(step);
    const bool done = tokens_.revoke_orphan(root.token->hash).has_value();
    storage_.clear();
    restart();
    EXPECT_TRUE(lives(a) && lives(b)) << step;
    expect_no_usable_orphan();
    if (done) return;
    for (const auto* token : {&root, &a, &b}) {
      ASSERT_TRUE(tokens_.revoke(token->token->hash));
    }
    EXPECT_EQ(entries(), 1U);
  }
  FAIL() << "never came to its end";
}

// Children made while their parent is revoked do not outlive it.
TEST_F(TokenRevokeTest, NoChildSlipsThrough) {
  for (int round = 0; round < 20; ++round) {
    const CreatedToken root = make(spec());
    std::atomic<bool> refused{false};
    std::thread maker([&] {
      while (!refused) {
        TokenSpec from = spec();
        from.parent = root.token->hash;
        if (!tokens_.create(std::move(from))) refused = true;
      }
    });
    std::this_thread::yield();
    EXPECT_TRUE(tokens_.revoke(root.token->hash));
    maker.join();
    EXPECT_EQ(entries(), 1U);
  }
}

TEST_F(TokenRevokeTest, OverlappingRevocationsBothEnd) {
  for (int round = 0; round < 10; ++round) {
    const auto tree = random_tree(60, static_cast<unsigned>(round));
    std::thread other(
        [&] { EXPECT_TRUE(tokens_.revoke(tree[1].token->hash)); });
    EXPECT_TRUE(tokens_.revoke(tree[0].token->hash));
    other.join();
    EXPECT_EQ(entries(), 1U);
  }
}

// Names in storage are not sealed: a link that storage made up takes no token
// with it.
TEST_F(TokenRevokeTest, ForgedLinksRevokeNobody) {
  const CreatedToken victim = make(spec());
  const CreatedToken root = make(spec());
  storage::Change forged;
  forged.path =
      "sys/token/parent/" + root.token->hash + "/" + victim.token->hash;
  forged.value = Bytes{1, 2, 3};
  ASSERT_TRUE(memory_.commit({&forged, 1}));
  ASSERT_TRUE(tokens_.revoke(root.token->hash));
  EXPECT_TRUE(lives(victim));
}

TEST_F(TokenRevokeTest, TidyDropsWhatPointsNowhere) {
  const CreatedToken made = make(spec());
  const CreatedToken child = child_of(made);
  storage::Change gone;
  gone.path = "sys/token/id/" + child.token->hash;
  ASSERT_TRUE(memory_.commit({&gone, 1}));
  restart();
  EXPECT_EQ(*tokens_.tidy(), 2U);
  EXPECT_TRUE(lives(made));
  ASSERT_TRUE(tokens_.revoke(made.token->hash));
  clock_.step(Seconds{4000});
  ASSERT_TRUE(tokens_.sweep_expired(10));
  EXPECT_EQ(entries(), 1U);
}

}  // namespace
}  // namespace bulla::auth
