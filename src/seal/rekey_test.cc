#include "seal/rekey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/pgp_test_key.h"
#include "seal/passkeys.h"
#include "seal/rekey_fixture.h"

namespace bulla::seal {
namespace {

using testing::HasSubstr;

class RekeyTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = ceremony_.node.init(shamir_params(3, 2));
    ASSERT_TRUE(made) << made.error().message();
    shares_ = std::move(made->shares);
    ASSERT_TRUE(ceremony_.node.barrier.put("data/kept", as_bytes("kept")));
  }
  Rekey& rekey() { return ceremony_.root; }
  std::string nonce() { return rekey().status(rekey_caller())->nonce; }
  std::string update_error(const SecretBytes& share, std::string_view nonce,
                           const RekeyCaller& caller = rekey_caller()) {
    const auto answer = rekey().update(share.clone(), nonce, caller);
    return answer ? "" : answer.error().message();
  }
  void restart() {
    ceremony_.node.custody.seal();
    ceremony_.root.clear();
  }

  World world_;
  Ceremony ceremony_{world_};
  Shares shares_;
};

TEST_F(RekeyTest, GivesNewSharesAndEndsTheOldOnes) {
  const auto made = ceremony_.run(rekey(), rekey_params(5, 3), shares_, 2);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->shares.size(), 5U);
  EXPECT_FALSE(made->verification_required);
  EXPECT_TRUE(holds_entry(ceremony_.node));
  EXPECT_FALSE(ceremony_.authorises(shares_, 3));
  EXPECT_TRUE(ceremony_.authorises(made->shares, 3));
  EXPECT_FALSE(rekey().status(rekey_caller())->started);
  EXPECT_EQ(rekey().status(rekey_caller())->required, 3U);
  const auto status = ceremony_.node.custody.status();
  EXPECT_EQ(status->threshold, 3);
  EXPECT_EQ(status->shares, 5);
  ASSERT_TRUE(ceremony_.node.custody.rotate_keyring());
  ASSERT_TRUE(ceremony_.node.custody.forget_former(Duration{0}));
  EXPECT_FALSE(reopens(world_, shares_, 3));
  EXPECT_TRUE(reopens(world_, made->shares, 3));
  restart();
  EXPECT_FALSE(ceremony_.unseal(shares_, 3));
  EXPECT_TRUE(ceremony_.unseal(made->shares, 3));
  EXPECT_TRUE(holds_entry(ceremony_.node));
  EXPECT_EQ(world_.storage->list("core/passkeys/")->size(), 1U);
}

TEST_F(RekeyTest, TellsItsProgress) {
  auto status = rekey().status(rekey_caller());
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->started);
  EXPECT_EQ(status->required, 2U);
  EXPECT_EQ(status->nonce, "");
  ASSERT_TRUE(rekey().begin(rekey_params(5, 3), rekey_caller()));
  ASSERT_TRUE(rekey().update(shares_[0].clone(), nonce(), rekey_caller()));
  status = rekey().status(rekey_caller());
  EXPECT_TRUE(status->started);
  EXPECT_EQ(status->threshold, 3U);
  EXPECT_EQ(status->shares, 5U);
  EXPECT_EQ(status->progress, 1U);
  EXPECT_EQ(status->nonce.size(), 36U);
}

TEST_F(RekeyTest, RefusesWhatTheContractRefuses) {
  const auto begin_error = [&](const RekeyParams& params) {
    const auto answer = rekey().begin(params, rekey_caller());
    return answer ? "" : answer.error().message();
  };
  EXPECT_EQ(begin_error(rekey_params(0, 0)),
            "invalid rekey seal configuration: shares must be at least one");
  EXPECT_EQ(rekey().begin(rekey_params(2, 3), rekey_caller()).error().code(),
            ErrorCode::kInternal);
  expect_error(rekey().begin(rekey_params(2, 3), rotate_caller()),
               ErrorCode::kInvalidArgument,
               "invalid rotate seal configuration: threshold cannot be larger "
               "than shares");
  RekeyParams params = rekey_params(2, 2);
  params.backup = true;
  EXPECT_THAT(begin_error(params), HasSubstr("without providing PGP keys"));
  params.pgp_keys = {"a"};
  EXPECT_EQ(begin_error(params), "incorrect number of PGP keys for rekey");
  params.pgp_keys = {"a", "b"};
  EXPECT_THAT(begin_error(params),
              HasSubstr("error parsing given PGP key: key 1"));
  EXPECT_EQ(update_error(shares_[0], "n"), "no barrier rekey in progress");
  EXPECT_EQ(update_error(shares_[0], "n", rotate_caller()),
            "no rotation in progress");
  ASSERT_TRUE(rekey().begin(rekey_params(5, 3), rekey_caller()));
  EXPECT_EQ(begin_error(rekey_params(5, 3)), "rekey already in progress");
  expect_error(rekey().begin(rekey_params(5, 3), rotate_caller()),
               ErrorCode::kInvalidArgument, "rotation already in progress");
  EXPECT_EQ(update_error(shares_[0], ""),
            "incorrect nonce supplied; nonce for this rekey operation is \"" +
                nonce() + "\"");
  EXPECT_EQ(
      update_error(shares_[0], "x", rotate_caller()),
      "incorrect nonce supplied; nonce for rotation is \"" + nonce() + "\"");
  EXPECT_EQ(update_error(shares_[0], nonce()), "");
  EXPECT_EQ(update_error(shares_[0], nonce()),
            "given key has already been provided during this generation "
            "operation");
  EXPECT_EQ(update_error(shares_[0], nonce(), rotate_caller()),
            "given key has already been provided during this rotation");
  EXPECT_EQ(update_error(SecretBytes(15), nonce()),
            "key is shorter than minimum 16 bytes");
  EXPECT_EQ(update_error(SecretBytes(34), nonce()),
            "key is longer than maximum 33 bytes");
  expect_error(ceremony_.recovery.status(rekey_caller()),
               ErrorCode::kInvalidArgument, "recovery rekeying not supported");
  EXPECT_FALSE(rekey().verify_status(rekey_caller())->started);
  const auto proof = [&](const RekeyCaller& caller) {
    return rekey().verify(shares_[0].clone(), "n", caller);
  };
  expect_error(proof(rekey_caller()), ErrorCode::kInvalidArgument,
               "no rekey verification in progress");
  expect_error(proof(rotate_caller()), ErrorCode::kInvalidArgument,
               "no rotation verification in progress");
}

// G7: what fails spends no share.
TEST_F(RekeyTest, WrongSharesCostNothingButTheProgress) {
  ASSERT_TRUE(rekey().begin(rekey_params(5, 3), rekey_caller()));
  const std::string before = nonce();
  World other_world;
  Node other(other_world);
  const auto foreign = other.init(shamir_params(3, 2));
  ASSERT_TRUE(foreign);
  EXPECT_EQ(update_error(shares_[0], before), "");
  EXPECT_THAT(update_error(foreign->shares[1], before),
              HasSubstr("key verification failed"));
  EXPECT_EQ(rekey().status(rekey_caller())->progress, 0U);
  EXPECT_EQ(nonce(), before);
  const auto made = ceremony_.give(rekey(), shares_, 2);
  ASSERT_TRUE(made && *made);
  EXPECT_TRUE(ceremony_.authorises((*made)->shares, 3));
}

TEST_F(RekeyTest, OnlyTheNonceCancelsForTenMinutes) {
  ASSERT_TRUE(rekey().cancel("", rekey_caller())) << "nothing to cancel";
  ASSERT_TRUE(rekey().begin(rekey_params(5, 3), rekey_caller()));
  EXPECT_FALSE(rekey().cancel("", rekey_caller()));
  EXPECT_FALSE(rekey().cancel("", stranger()));
  EXPECT_FALSE(rekey().cancel("wrong", rekey_caller()));
  EXPECT_FALSE(rekey().cancel("wrong", rotate_caller()));
  EXPECT_TRUE(rekey().status(rekey_caller())->started);
  EXPECT_TRUE(rekey().cancel(nonce(), stranger()));
  EXPECT_FALSE(rekey().status(rekey_caller())->started);
  ASSERT_TRUE(rekey().begin(rekey_params(5, 3), rekey_caller()));
  EXPECT_TRUE(rekey().cancel("", rotate_caller())) << "behind its token";
  ASSERT_TRUE(rekey().begin(rekey_params(5, 3), rekey_caller()));
  world_.clock.step(Rekey::kCancelGuard);
  EXPECT_TRUE(rekey().cancel("", stranger()));
  EXPECT_TRUE(ceremony_.authorises(shares_, 2));
}

TEST_F(RekeyTest, StrangersAreToldNoNonce) {
  RekeyParams params = rekey_params(3, 2);
  params.require_verification = true;
  ASSERT_TRUE(rekey().begin(params, rekey_caller()));
  EXPECT_EQ(rekey().status(stranger())->nonce, "");
  EXPECT_EQ(update_error(shares_[0], "x", stranger()),
            "incorrect nonce supplied");
  const auto made = ceremony_.give(rekey(), shares_, 2);
  ASSERT_TRUE(made && *made);
  EXPECT_EQ(rekey().status(stranger())->verification_nonce, "");
  EXPECT_EQ(rekey().verify_status(stranger())->nonce, "");
  EXPECT_FALSE(rekey().restart_verification("", stranger()));
  EXPECT_FALSE(update_error(shares_[0], "x", stranger()).find("\"") !=
               std::string::npos);
}

TEST_F(RekeyTest, NewSharesCountOnlyOnceVerified) {
  RekeyParams params = rekey_params(3, 2);
  params.require_verification = true;
  const auto made = ceremony_.run(rekey(), params, shares_, 2);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(made->verification_required);
  EXPECT_TRUE(ceremony_.authorises(shares_, 2));
  EXPECT_FALSE(ceremony_.authorises(made->shares, 2));
  EXPECT_TRUE(reopens(world_, shares_, 2));
  EXPECT_THAT(update_error(shares_[0], nonce()),
              HasSubstr("verification must be performed; nonce for the "
                        "verification operation is \"" +
                        made->verification_nonce + "\""));
  EXPECT_EQ(rekey().verify_status(rekey_caller())->threshold, 2U);
  expect_error(
      rekey().verify(made->shares[0].clone(), "x", rekey_caller()),
      ErrorCode::kInvalidArgument,
      "incorrect nonce supplied; nonce for this verify operation is \"" +
          made->verification_nonce + "\"");
  const auto done = ceremony_.echo(rekey(), *made, 2);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done->complete);
  EXPECT_TRUE(ceremony_.authorises(made->shares, 2));
  EXPECT_FALSE(reopens(world_, shares_, 2));
  EXPECT_TRUE(reopens(world_, made->shares, 2));
  EXPECT_EQ(world_.storage->list("core/passkeys/")->size(), 1U);
}

TEST_F(RekeyTest, VerificationRefusesOtherSharesAndCanBeRestarted) {
  RekeyParams params = rekey_params(3, 2);
  params.require_verification = true;
  const auto made = ceremony_.run(rekey(), params, shares_, 2);
  ASSERT_TRUE(made);
  const auto echo = [&](const SecretBytes& share) {
    return rekey().verify(share.clone(), made->verification_nonce,
                          rekey_caller());
  };
  ASSERT_TRUE(echo(made->shares[0]));
  EXPECT_FALSE(echo(made->shares[0])) << "repeated";
  EXPECT_FALSE(echo(shares_[1])) << "an old share";
  EXPECT_EQ(rekey().verify_status(rekey_caller())->progress, 0U);
  ASSERT_TRUE(echo(made->shares[0]));
  const auto again = rekey().restart_verification("", rekey_caller());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->progress, 0U);
  EXPECT_NE(again->nonce, made->verification_nonce);
  EXPECT_FALSE(echo(made->shares[0])) << "the nonce before";
  ASSERT_TRUE(rekey().cancel(made->nonce, rekey_caller()));
  EXPECT_TRUE(ceremony_.authorises(shares_, 2));
  EXPECT_TRUE(reopens(world_, shares_, 2));
  EXPECT_FALSE(reopens(world_, made->shares, 2));
}

TEST_F(RekeyTest, VerifyAllAsksForEveryShare) {
  RekeyParams params = rekey_params(4, 2);
  params.verify_all = true;
  const auto made = ceremony_.run(rekey(), params, shares_, 2);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->verification_required);
  EXPECT_EQ(rekey().verify_status(rekey_caller())->threshold, 4U);
  const auto three = ceremony_.echo(rekey(), *made, 3);
  ASSERT_TRUE(three);
  EXPECT_FALSE(three->complete);
  EXPECT_EQ(three->progress, 3U);
  EXPECT_FALSE(rekey().verify(shares_[0].clone(), made->verification_nonce,
                              rekey_caller()))
      << "not one of the new";
  EXPECT_FALSE(rekey().verify(made->shares[1].clone(), made->verification_nonce,
                              rekey_caller()))
      << "repeated";
  EXPECT_EQ(rekey().verify_status(rekey_caller())->progress, 3U);
  EXPECT_TRUE(ceremony_.authorises(shares_, 2));
  const auto done = rekey().verify(made->shares[3].clone(),
                                   made->verification_nonce, rekey_caller());
  ASSERT_TRUE(done && done->complete);
  EXPECT_TRUE(ceremony_.authorises(made->shares, 2));
}

TEST_F(RekeyTest, SealingDropsIt) {
  RekeyParams params = rekey_params(3, 2);
  params.require_verification = true;
  const auto made = ceremony_.run(rekey(), params, shares_, 2);
  ASSERT_TRUE(made);
  restart();
  EXPECT_EQ(rekey().status(rekey_caller()).error().code(), ErrorCode::kSealed);
  EXPECT_TRUE(ceremony_.unseal(shares_, 2));
  EXPECT_FALSE(rekey().status(rekey_caller())->started);
}

TEST_F(RekeyTest, EncryptsToHoldersAndKeepsABackup) {
  const crypto::PgpTestKey alice("alice"), bob("bob");
  RekeyParams params = rekey_params(2, 2);
  params.pgp_keys = {alice.base64(), bob.base64()};
  params.backup = true;
  const auto made = ceremony_.run(rekey(), params, shares_, 2);
  ASSERT_TRUE(made) << made.error().message();
  ASSERT_EQ(made->fingerprints.size(), 2U);
  Shares opened;
  const crypto::PgpTestKey* const holders[] = {&alice, &bob};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto hex = holders[i]->decrypt(made->shares[i].expose());
    const auto share = hex_decode(hex);
    ASSERT_TRUE(share);
    opened.push_back(SecretBytes::copy_of(*share));
  }
  EXPECT_TRUE(reopens(world_, opened, 2));
  const auto backup =
      ceremony_.node.custody.share_backup(ShareBackup::kUnsealPath);
  ASSERT_TRUE(backup && *backup);
  EXPECT_EQ((*backup)->nonce, made->nonce);
  EXPECT_EQ((*backup)->shares[1].fingerprint, made->fingerprints[1]);
  EXPECT_EQ(SecretBytes::copy_of((*backup)->shares[0].message),
            made->shares[0]);
  // The next rekey makes these shares useless, and drops them.
  ASSERT_TRUE(ceremony_.run(rekey(), rekey_params(1, 1), opened, 2));
  EXPECT_FALSE(*ceremony_.node.custody.share_backup(ShareBackup::kUnsealPath));
}

TEST_F(RekeyTest, MayBeRepeatedAtOnce) {
  Shares shares = std::move(shares_);
  for (int round = 0; round < 3; ++round) {
    auto made = ceremony_.run(rekey(), rekey_params(3, 2), shares, 2);
    ASSERT_TRUE(made) << made.error().message();
    shares = std::move(made->shares);
  }
  ASSERT_TRUE(ceremony_.node.custody.forget_former(Duration{0}));
  EXPECT_EQ(world_.storage->list("core/passkeys/")->size(), 1U);
  EXPECT_EQ(world_.storage->list("core/passkey-keks/")->size(), 1U);
  EXPECT_TRUE(reopens(world_, shares, 2));
}

// A copy of the storage from before comes back: its shares are those of then.
TEST_F(RekeyTest, AStoreRestoredMidWayIsNoticed) {
  std::vector<storage::Change> before;
  const auto paths = world_.storage->scan("").value();
  for (const auto& path : paths) {
    before.push_back({path, (*world_.storage->get(path))->value, std::nullopt});
  }
  const auto made = ceremony_.run(rekey(), rekey_params(3, 2), shares_, 2);
  ASSERT_TRUE(made);
  ASSERT_TRUE(rekey().begin(rekey_params(3, 2), rekey_caller()));
  ASSERT_TRUE(world_.storage->commit(before));
  EXPECT_FALSE(ceremony_.give(rekey(), made->shares, 2));
  EXPECT_FALSE(ceremony_.give(rekey(), shares_, 2));
  EXPECT_TRUE(holds_entry(ceremony_.node));
  EXPECT_FALSE(reopens(world_, made->shares, 2));
  EXPECT_TRUE(reopens(world_, shares_, 2));
}

class RecoveryTest : public testing::Test {
 protected:
  Providers provider() { return static_provider(world_, static_key("k1", 1)); }
  World world_;
};

TEST_F(RecoveryTest, RecoverySharesAuthoriseANewRootKey) {
  Ceremony ceremony(world_, provider());
  const auto made = ceremony.node.init(recovery_params(3, 2));
  ASSERT_TRUE(made);
  ASSERT_TRUE(ceremony.node.barrier.put("data/kept", as_bytes("kept")));
  const Bytes keyring = (*world_.storage->get("core/keyring"))->value;
  EXPECT_THAT(
      ceremony.root.begin(rekey_params(3, 2), rekey_caller()).error().message(),
      HasSubstr("shares and threshold must be one"));
  const auto result =
      ceremony.run(ceremony.root, rekey_params(1, 1), made->recovery_shares, 2);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(result->shares.empty());
  EXPECT_NE((*world_.storage->get("core/keyring"))->value, keyring);
  EXPECT_TRUE(ceremony.authorises(made->recovery_shares, 2));
  Ceremony again(world_, provider());
  ASSERT_TRUE(again.node.custody.auto_unseal());
  EXPECT_TRUE(holds_entry(again.node));
}

TEST_F(RecoveryTest, RecoverySharesAreReplaced) {
  Ceremony ceremony(world_, provider());
  const auto made = ceremony.node.init(recovery_params(3, 2));
  ASSERT_TRUE(made);
  const auto result = ceremony.run(ceremony.recovery, rekey_params(5, 3),
                                   made->recovery_shares, 2);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_FALSE(ceremony.authorises(made->recovery_shares, 2));
  EXPECT_TRUE(ceremony.authorises(result->shares, 3));
  EXPECT_EQ(ceremony.node.custody.status()->threshold, 3);
  ASSERT_TRUE(ceremony.node.custody.forget_former(Duration{0}));
  Ceremony again(world_, provider());
  ASSERT_TRUE(again.node.custody.auto_unseal());
  EXPECT_FALSE(again.authorises(made->recovery_shares, 2));
  EXPECT_TRUE(again.authorises(result->shares, 3));
}

TEST_F(RecoveryTest, AFirstRecoveryKeyNeedsSudo) {
  Ceremony ceremony(world_, provider());
  ASSERT_TRUE(ceremony.node.init({}));
  expect_error(ceremony.recovery.begin(rekey_params(3, 2), rotate_caller()),
               ErrorCode::kPermissionDenied, "permission denied");
  expect_error(ceremony.recovery.begin(rekey_params(3, 2), stranger()),
               ErrorCode::kPermissionDenied, "permission denied");
  RekeyCaller caller = rotate_caller();
  caller.sudo = true;
  const auto made = ceremony.recovery.begin(rekey_params(3, 2), caller);
  ASSERT_TRUE(made && *made);
  EXPECT_EQ((*made)->shares.size(), 3U);
  EXPECT_TRUE(ceremony.authorises((*made)->shares, 2));
  EXPECT_FALSE(ceremony.recovery.status(caller)->started);
}

TEST_F(RecoveryTest, AProviderThatIsGoneStopsARekeyBeforeItBegins) {
  auto two = [&] {
    auto providers = provider();
    for (auto& other :
         static_provider(world_, static_key("k2", 2), std::nullopt, "other")) {
      providers.push_back(std::move(other));
    }
    return providers;
  };
  Shares shares;
  {
    Ceremony ceremony(world_, two());
    auto made = ceremony.node.init(recovery_params(3, 2));
    ASSERT_TRUE(made) << made.error().message();
    shares = std::move(made->recovery_shares);
  }
  World& world = world_;
  CustodyOptions options;
  options.disabled = {{"static", "other"}};
  Node node(world, provider(), options);
  ASSERT_TRUE(node.custody.auto_unseal());
  const auto replaced = node.custody.replace_root({});
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(replaced.error().message(), HasSubstr("other"));
  Node both(world, two());
  EXPECT_TRUE(both.custody.auto_unseal());
}

// People's passkeys beside the automatic one take the new root key, too, and
// open with what their holders have had all along.
TEST_F(RecoveryTest, PasskeysOfPeopleGoAlong) {
  Shares people;
  {
    Ceremony ceremony(world_, provider());
    const auto made = ceremony.node.init(recovery_params(3, 2));
    ASSERT_TRUE(made);
    ASSERT_TRUE(ceremony.node.barrier.put("data/kept", as_bytes("kept")));
    Passkeys::New wanted;
    wanted.name = "break-glass";
    wanted.kind = Passkey::kShamir;
    wanted.shares = 3;
    wanted.threshold = 2;
    auto added = ceremony.node.custody.passkeys().add(std::move(wanted));
    ASSERT_TRUE(added) << added.error().message();
    people = std::move(added->shares);
    ASSERT_TRUE(ceremony.run(ceremony.root, rekey_params(1, 1),
                             made->recovery_shares, 2));
    EXPECT_FALSE(ceremony.authorises(people, 2)) << "recovery shares do";
  }
  Ceremony again(world_, provider());
  EXPECT_TRUE(again.unseal(people, 2));
  EXPECT_TRUE(holds_entry(again.node));
}

// Where only break-glass shares exist, they authorise; a recovery key is then
// made by them, and by nobody's sudo.
TEST_F(RecoveryTest, BreakGlassSharesAuthoriseWhereNoRecoveryKeyIs) {
  Ceremony ceremony(world_, provider());
  ASSERT_TRUE(ceremony.node.init({}));
  Passkeys::New wanted;
  wanted.name = "break-glass";
  wanted.kind = Passkey::kShamir;
  wanted.shares = 3;
  wanted.threshold = 2;
  const auto added = ceremony.node.custody.passkeys().add(std::move(wanted));
  ASSERT_TRUE(added);
  EXPECT_TRUE(ceremony.authorises(added->shares, 2));
  const auto result =
      ceremony.run(ceremony.recovery, rekey_params(5, 3), added->shares, 2);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(ceremony.authorises(result->shares, 3));
  EXPECT_FALSE(ceremony.authorises(added->shares, 2));
  ASSERT_TRUE(ceremony.node.custody.forget_former(Duration{0}));
  Ceremony again(world_, provider());
  ASSERT_TRUE(again.node.custody.auto_unseal());
  EXPECT_TRUE(again.authorises(result->shares, 3));
}

struct Dependent : RootSealed {
  Result<std::vector<storage::Change>> reseal(const SecretBytes& from,
                                              const SecretBytes& to) override {
    seen.push_back(from.clone());
    seen.push_back(to.clone());
    return std::vector<storage::Change>{
        {"core/dependent", Bytes{1}, std::nullopt}};
  }
  std::vector<SecretBytes> seen;
};

TEST_F(RecoveryTest, WhatElseIsUnderTheRootKeyGoesAlong) {
  Ceremony ceremony(world_, provider());
  ASSERT_TRUE(ceremony.node.init({}));
  Dependent dependent;
  ceremony.node.custody.add_root_sealed(dependent);
  ASSERT_TRUE(ceremony.node.custody.replace_root({}));
  ASSERT_TRUE(ceremony.node.custody.replace_root({}));
  ASSERT_EQ(dependent.seen.size(), 4U);
  EXPECT_EQ(dependent.seen[1], dependent.seen[2]);
  EXPECT_FALSE(dependent.seen[0] == dependent.seen[1]);
  EXPECT_TRUE(world_.storage->get("core/dependent")->has_value());
}

}  // namespace
}  // namespace bulla::seal
