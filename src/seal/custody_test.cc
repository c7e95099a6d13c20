#include "seal/custody.h"

#include <gtest/gtest.h>

#include "seal/passkey.h"
#include "seal/test_world.h"

namespace bulla::seal {
namespace {

constexpr std::string_view kWrongShares =
    "unable to retrieve stored keys: invalid key: failed to decrypt keys from "
    "storage: cipher: message authentication failed";

// Submits `shares` one after another; what the last one answered.
Result<bool> submit(Node& node, const std::vector<SecretBytes>& shares,
                    const std::vector<std::size_t>& which) {
  Result<bool> last = false;
  for (const std::size_t i : which) {
    last = node.custody.submit_share(shares[i].clone());
    if (!last) break;
  }
  return last;
}

TEST(Custody, TellsAnEmptyStorage) {
  World world;
  Node node(world);
  EXPECT_FALSE(*node.custody.initialized());
  const auto status = node.custody.status();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->type, "shamir");
  EXPECT_FALSE(status->initialized);
  EXPECT_TRUE(status->sealed);
  EXPECT_EQ(status->threshold + status->shares + status->progress, 0);
  EXPECT_FALSE(status->recovery_seal);
  EXPECT_FALSE(*node.custody.auto_unseal());
  expect_error(node.custody.submit_share(world.rng.secret(33)),
               ErrorCode::kInvalidArgument, "Vault is not initialized");
  Node automatic(world, static_provider(world, static_key("k1", 1)));
  const auto other = automatic.custody.status();
  ASSERT_TRUE(other);
  EXPECT_EQ(other->type, "static");
  EXPECT_TRUE(other->recovery_seal);
  EXPECT_FALSE(*automatic.custody.auto_unseal());
}

TEST(Custody, OpensWithSharesAfterARestart) {
  World world;
  std::vector<SecretBytes> shares;
  {
    Node node(world);
    auto made = node.init(shamir_params(5, 3));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->shares.size(), 5U);
    EXPECT_EQ(made->shares[0].size(), 33U);
    EXPECT_TRUE(made->recovery_shares.empty());
    EXPECT_FALSE(node.barrier.sealed());
    ASSERT_TRUE(node.barrier.put("a/b", as_bytes("hello")));
    shares = std::move(made->shares);
  }
  Node node(world);
  EXPECT_TRUE(*node.custody.initialized());
  EXPECT_FALSE(*node.custody.submit_share(shares[4].clone()));
  auto status = node.custody.status();
  EXPECT_TRUE(status->initialized);
  EXPECT_TRUE(status->sealed);
  EXPECT_EQ(status->threshold, 3);
  EXPECT_EQ(status->shares, 5);
  EXPECT_EQ(status->progress, 1);
  const std::string nonce = status->nonce;
  EXPECT_EQ(nonce.size(), 36U);

  EXPECT_FALSE(*node.custody.submit_share(shares[4].clone()));  // a repeat
  EXPECT_EQ(node.custody.status()->progress, 1);
  EXPECT_FALSE(*node.custody.submit_share(shares[0].clone()));
  EXPECT_EQ(node.custody.status()->nonce, nonce);
  EXPECT_TRUE(*node.custody.submit_share(shares[2].clone()));
  status = node.custody.status();
  EXPECT_FALSE(status->sealed);
  EXPECT_EQ(status->progress, 0);
  EXPECT_EQ(status->nonce, "");
  const auto entry = node.barrier.get("a/b");
  ASSERT_TRUE(entry && *entry);
  EXPECT_EQ(as_text((*entry)->value.expose()), "hello");
  // Open already: any share is answered with that.
  EXPECT_TRUE(*node.custody.submit_share(shares[0].clone()));
}

TEST(Custody, GivesTheKeyItselfAsTheOnlyShare) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(1, 1));
  ASSERT_TRUE(made);
  ASSERT_EQ(made->shares.size(), 1U);
  EXPECT_EQ(made->shares[0].size(), 32U);
  node.custody.seal();
  EXPECT_TRUE(node.barrier.sealed());
  EXPECT_TRUE(*node.custody.submit_share(made->shares[0].clone()));
}

TEST(Custody, StoresNoKeyInTheClear) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(1, 1));
  ASSERT_TRUE(made);
  const auto key = as_text(made->shares[0].expose());
  const auto paths = world.storage->scan("");
  ASSERT_TRUE(paths);
  EXPECT_GE(paths->size(), 3U);
  for (const std::string& path : *paths) {
    const auto entry = world.storage->get(path);
    EXPECT_EQ(as_text((*entry)->value).find(key), std::string_view::npos);
  }
}

TEST(Custody, RefusesWrongNumbersOfShares) {
  World world;
  Node node(world);
  const std::vector<std::tuple<int, int, std::string>> cases = {
      {0, 0, "shares must be at least one"},
      {0, 1, "shares must be at least one"},
      {-1, 1, "shares must be at least one"},
      {1, 0, "threshold must be at least one"},
      {5, -3, "threshold must be at least one"},
      {2, 1, "threshold must be greater than one for multiple shares"},
      {256, 3, "shares must be less than 256"},
      {3, 4, "threshold cannot be larger than shares"},
      {1, 2, "threshold cannot be larger than shares"},
  };
  for (const auto& [shares, threshold, text] : cases) {
    expect_error(node.init(shamir_params(shares, threshold)),
                 ErrorCode::kInvalidArgument,
                 "invalid seal configuration: " + text);
  }
  expect_error(node.init({}), ErrorCode::kInvalidArgument,
               "invalid seal configuration: shares must be at least one");
  EXPECT_TRUE(node.barrier.sealed());
  EXPECT_TRUE(world.storage->scan("")->empty());
}

TEST(Custody, RefusesParametersOfTheOtherKindOfSeal) {
  World world;
  Node shamir(world);
  InitParams params = shamir_params(5, 3);
  params.recovery_shares = 5;
  expect_error(shamir.init(params), ErrorCode::kInvalidArgument,
               "parameters recovery_shares not applicable to seal type shamir");
  params.recovery_threshold = 3;
  expect_error(shamir.init(params), ErrorCode::kInvalidArgument,
               "parameters recovery_shares,recovery_threshold not applicable "
               "to seal type shamir");
  Node automatic(world, static_provider(world, static_key("k1", 1)));
  expect_error(automatic.init(shamir_params(5, 3)), ErrorCode::kInvalidArgument,
               "parameters secret_shares,secret_threshold not applicable to "
               "seal type static");
  expect_error(automatic.init(recovery_params(3, 1)),
               ErrorCode::kInvalidArgument,
               "invalid recovery configuration: threshold must be greater than "
               "one for multiple shares");
}

TEST(Custody, InitialisesOnce) {
  World world;
  Node node(world);
  ASSERT_TRUE(node.init(shamir_params(1, 1)));
  expect_error(node.init(shamir_params(1, 1)), ErrorCode::kInvalidArgument,
               "Vault is already initialized");
  EXPECT_FALSE(node.barrier.sealed());
  Node other(world);
  expect_error(other.init(shamir_params(1, 1)), ErrorCode::kInvalidArgument,
               "Vault is already initialized");
}

TEST(Custody, StoresWhatMoreGives) {
  World world;
  Node node(world);
  const auto made = node.custody.init(
      shamir_params(1, 1), [&]() -> Result<std::vector<storage::Change>> {
        TRY_ASSIGN(auto change, node.barrier.seal_change(barrier::Change::put(
                                    "core/mounts", as_bytes("table"))));
        std::vector<storage::Change> changes;
        changes.push_back(std::move(change));
        return changes;
      });
  ASSERT_TRUE(made);
  Node again(world);
  ASSERT_TRUE(*again.custody.submit_share(made->shares[0].clone()));
  const auto entry = again.barrier.get("core/mounts");
  ASSERT_TRUE(entry && *entry);
  EXPECT_EQ(as_text((*entry)->value.expose()), "table");
}

TEST(Custody, WritesNothingWhenMoreFails) {
  World world;
  Node node(world);
  const auto made = node.custody.init(
      shamir_params(1, 1), []() -> Result<std::vector<storage::Change>> {
        return fail(internal_error("no"));
      });
  expect_error(made, ErrorCode::kInternal, "no");
  EXPECT_TRUE(node.barrier.sealed());
  EXPECT_TRUE(world.storage->scan("")->empty());
  EXPECT_TRUE(node.init(shamir_params(1, 1)));
}

TEST(Custody, ForgetsWrongShares) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(3, 2));
  ASSERT_TRUE(made);
  node.custody.seal();
  ASSERT_FALSE(*node.custody.submit_share(made->shares[0].clone()));
  expect_error(node.custody.submit_share(world.rng.secret(33)),
               ErrorCode::kInvalidArgument, kWrongShares);
  EXPECT_TRUE(node.barrier.sealed());
  EXPECT_EQ(node.custody.status()->progress, 0);
  EXPECT_EQ(node.custody.status()->nonce, "");
  // Shares of two lengths cannot be combined; that ends the attempt, too.
  ASSERT_FALSE(*node.custody.submit_share(made->shares[0].clone()));
  const auto uneven = node.custody.submit_share(world.rng.secret(20));
  ASSERT_FALSE(uneven);
  EXPECT_EQ(uneven.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(node.custody.status()->progress, 0);
  EXPECT_TRUE(*submit(node, made->shares, {1, 2}));
}

TEST(Custody, BoundsTheLengthOfAShare) {
  World world;
  Node node(world);
  ASSERT_TRUE(node.init(shamir_params(1, 1)));
  node.custody.seal();
  expect_error(node.custody.submit_share(world.rng.secret(15)),
               ErrorCode::kInvalidArgument,
               "invalid key: key is shorter than minimum 16 bytes");
  expect_error(node.custody.submit_share(world.rng.secret(34)),
               ErrorCode::kInvalidArgument,
               "invalid key: key is longer than maximum 33 bytes");
  for (const std::size_t size : {16U, 31U, 32U, 33U}) {
    expect_error(node.custody.submit_share(world.rng.secret(size)),
                 ErrorCode::kInvalidArgument, kWrongShares);
  }
}

TEST(Custody, ResetsAnAttempt) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(3, 2));
  ASSERT_TRUE(made);
  expect_error(node.custody.reset_shares(), ErrorCode::kInvalidArgument,
               "vault is unsealed");
  node.custody.seal();
  ASSERT_FALSE(*node.custody.submit_share(made->shares[0].clone()));
  ASSERT_TRUE(node.custody.reset_shares());
  EXPECT_EQ(node.custody.status()->progress, 0);
  EXPECT_EQ(node.custody.status()->nonce, "");
}

TEST(Custody, AnyThresholdOfSharesOpensAndFewerNever) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(5, 3));
  ASSERT_TRUE(made);
  for (unsigned subset = 0; subset < 32; ++subset) {
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < 5; ++i) {
      if ((subset >> i & 1U) != 0) which.push_back(i);
    }
    if (which.size() > 3) continue;
    node.custody.seal();
    const auto opened = submit(node, made->shares, which);
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, which.size() == 3);
    EXPECT_EQ(node.barrier.sealed(), which.size() < 3);
  }
}

TEST(Custody, TooFewSharesPaddedWithOthersNeverOpen) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(255, 3));
  ASSERT_TRUE(made);
  ASSERT_EQ(made->shares.size(), 255U);
  for (int round = 0; round < 50; ++round) {
    node.custody.seal();
    auto shares = std::vector<SecretBytes>();
    shares.push_back(made->shares[0].clone());
    shares.push_back(made->shares[1].clone());
    shares.push_back(world.rng.secret(33));
    EXPECT_FALSE(submit(node, shares, {0, 1, 2}).value_or(false));
    EXPECT_TRUE(node.barrier.sealed());
  }
  EXPECT_TRUE(*submit(node, made->shares, {254, 100, 7}));
}

TEST(Custody, RotatesTheKeyringWhileOpen) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(1, 1));
  ASSERT_TRUE(made);
  ASSERT_TRUE(node.custody.rotate_keyring());
  EXPECT_EQ(node.barrier.key_status()->term, 2U);
  node.custody.seal();
  expect_error(node.custody.rotate_keyring(), ErrorCode::kSealed,
               "Vault is sealed");
  Node again(world);
  ASSERT_TRUE(*again.custody.submit_share(made->shares[0].clone()));
  EXPECT_EQ(again.barrier.key_status()->term, 2U);
  ASSERT_TRUE(again.custody.rotate_keyring());
  EXPECT_EQ(again.barrier.key_status()->term, 3U);
}

TEST(Custody, NotesWhenAPasskeyLastOpened) {
  World world;
  Node node(world);
  const auto made = node.init(shamir_params(1, 1));
  ASSERT_TRUE(made);
  const auto path = world.storage->scan("core/passkeys/")->front();
  const auto read = [&] {
    return Passkey::parse("x", (*world.storage->get(path))->value).value();
  };
  const Time created = read().created;
  EXPECT_EQ(read().verified, created);
  node.custody.seal();
  world.clock.step(Seconds{60});
  ASSERT_TRUE(*node.custody.submit_share(made->shares[0].clone()));
  EXPECT_EQ(read().created, created);
  EXPECT_EQ(read().verified, created + Seconds{60});
}

}  // namespace
}  // namespace bulla::seal
