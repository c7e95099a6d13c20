#include <gmock/gmock.h>

#include "base/encoding.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using ::testing::HasSubstr;
using ::testing::Not;

class SealTest : public SysFixture {
 protected:
  // Initialises 3 shares of which 2 open; sealed.
  void initialise() {
    seal::InitParams params;
    params.secret_shares = 3;
    params.secret_threshold = 2;
    auto made = core_->initialize(params);
    ASSERT_TRUE(made) << made.error().message();
    shares_ = std::move(made->keys.shares);
    root_ = made->root_token;
  }
  Result<api::Response> unseal_with(const std::string& key) {
    return call(Operation::kUpdate, "unseal", R"({"key":")" + key + "\"}");
  }
  std::string status() { return data(call(Operation::kRead, "seal-status")); }

  std::vector<SecretBytes> shares_;
};

TEST_F(SealTest, StatusTellsEachState) {
  std::string body = status();
  EXPECT_THAT(body, HasSubstr(R"("type":"shamir","initialized":false,)"
                              R"("sealed":true,"t":0,"n":0,"progress":0,)"
                              R"("nonce":"","version":")"));
  EXPECT_THAT(body, HasSubstr("\"build_date\":\""));
  EXPECT_THAT(body, HasSubstr("\"commit_date\":\""));
  EXPECT_THAT(body, HasSubstr(R"("migration":false)"));
  EXPECT_THAT(body, HasSubstr(R"("recovery_seal":false)"));
  EXPECT_THAT(body, HasSubstr(R"("storage_type":"inmem")"));
  EXPECT_THAT(body, Not(HasSubstr("cluster_name")));
  initialise();
  body = status();
  EXPECT_THAT(body, HasSubstr(R"("initialized":true,"sealed":true,"t":2,)"
                              R"("n":3,"progress":0,"nonce":"")"));
  EXPECT_THAT(body, Not(HasSubstr("cluster_name")));
  ASSERT_TRUE(core_->unseal(shares_[0].clone()));
  EXPECT_THAT(status(), HasSubstr(R"("progress":1)"));
  EXPECT_THAT(status(), Not(HasSubstr(R"("nonce":"")")));
  ASSERT_TRUE(core_->unseal(shares_[1].clone()));
  body = status();
  EXPECT_THAT(body, HasSubstr(R"("sealed":false,"t":2,"n":3,"progress":0)"));
  EXPECT_THAT(body, HasSubstr(R"("cluster_name":")"));
  EXPECT_THAT(body, HasSubstr(R"("cluster_id":")"));
}

TEST_F(SealTest, FlagsOfTheRoutes) {
  for (const auto* path : {"unseal", "seal-status", "leader"}) {
    const api::Route* found = route(path);
    ASSERT_NE(found, nullptr) << path;
    EXPECT_TRUE(found->unauthenticated && found->while_sealed) << path;
    EXPECT_FALSE(found->audited) << path;
  }
  for (const auto* path : {"seal", "step-down"}) {
    const api::Route* found = route(path);
    ASSERT_NE(found, nullptr) << path;
    EXPECT_TRUE(found->sudo && found->audited) << path;
    EXPECT_FALSE(found->unauthenticated) << path;
  }
}

TEST_F(SealTest, UnsealsWithHexAndBase64) {
  initialise();
  const auto first = unseal_with(hex_encode(shares_[2].expose()));
  EXPECT_THAT(data(first), HasSubstr(R"("progress":1)"));
  EXPECT_TRUE(first->bare);
  const auto again = unseal_with(base64_encode(shares_[2].expose()));
  EXPECT_THAT(data(again), HasSubstr(R"("progress":1)"));
  const auto second = unseal_with(base64_encode(shares_[0].expose()));
  EXPECT_THAT(data(second), HasSubstr(R"("sealed":false)"));
  EXPECT_TRUE(core_->serving());
  EXPECT_THAT(data(unseal_with("00000000000000000000000000000000")),
              HasSubstr(R"("sealed":false)"));
}

TEST_F(SealTest, RefusesBadKeys) {
  const std::string zeros(32, '0');
  EXPECT_EQ(error(unseal_with(zeros)), "Vault is not initialized");
  initialise();
  EXPECT_EQ(error(call(Operation::kUpdate, "unseal")),
            "'key' must be specified in request body as JSON, or 'reset' set "
            "to true");
  EXPECT_EQ(error(unseal_with("***")),
            "'key' must be a valid hex or base64 string");
  // Four hexadecimal digits are base64 of three bytes as well.
  EXPECT_EQ(error(unseal_with("abcd")),
            "invalid key: key is shorter than minimum 16 bytes");
  EXPECT_EQ(error(unseal_with(base64_encode(Bytes(34, 1)))),
            "invalid key: key is longer than maximum 33 bytes");
  EXPECT_THAT(data(unseal_with(hex_encode(Bytes(33, 1)))),
              HasSubstr(R"("progress":1)"));
  EXPECT_EQ(error(unseal_with(hex_encode(Bytes(33, 2)))),
            "unable to retrieve stored keys: invalid key: failed to decrypt "
            "keys from storage: cipher: message authentication failed");
  EXPECT_THAT(status(), HasSubstr(R"("progress":0,"nonce":"")"));
}

TEST_F(SealTest, RefusesAMigration) {
  initialise();
  const auto answer =
      call(Operation::kUpdate, "unseal",
           R"({"migrate":true,"key":"00000000000000000000000000000000"})");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kInternal);
  EXPECT_EQ(error(answer),
            "can't perform a seal migration, no migration seal found");
}

TEST_F(SealTest, ResetsAnAttempt) {
  initialise();
  ASSERT_TRUE(core_->unseal(shares_[0].clone()));
  const auto reset =
      call(Operation::kUpdate, "unseal", R"({"reset":true,"key":"zz"})");
  EXPECT_THAT(data(reset), HasSubstr(R"("progress":0,"nonce":"")"));
  ASSERT_TRUE(core_->unseal(shares_[0].clone()));
  ASSERT_TRUE(core_->unseal(shares_[1].clone()));
  EXPECT_EQ(error(call(Operation::kUpdate, "unseal", R"({"reset":true})")),
            "vault is unsealed");
}

TEST_F(SealTest, SealsAndIsQuietWhenSealed) {
  open();
  // One that came while sealed, without a token, and ran after an unseal.
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "seal")));
  EXPECT_TRUE(core_->serving());
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "seal", {}, root_)));
  EXPECT_FALSE(core_->serving());
  EXPECT_TRUE(core_->barrier().sealed());
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "seal")));
  unseal();
  EXPECT_TRUE(is_none(call(Operation::kUpdate, "step-down")));
  EXPECT_TRUE(core_->serving());
}

TEST_F(SealTest, LeaderOfOneNode) {
  EXPECT_EQ(data(call(Operation::kRead, "leader")),
            R"({"ha_enabled":false,"is_self":false,)"
            R"("active_time":"0001-01-01T00:00:00Z","leader_address":"",)"
            R"("leader_cluster_address":"","performance_standby":false,)"
            R"("performance_standby_last_remote_wal":0})");
}

}  // namespace
}  // namespace bulla::server
