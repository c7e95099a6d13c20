#include <gmock/gmock.h>

#include "auth/token/token_backend_fixture.h"

namespace bulla::auth {
namespace {

using api::Operation;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST_F(TokenBackendTest, LookupSelfNeedsNoStorage) {
  storage_.fail_reads(unavailable("no"));
  const auto answer =
      call(Operation::kRead, "lookup-self", "{}", root(), false);
  storage_.clear();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->data,
            "{\"accessor\":\"" + root_.token->accessor +
                "\",\"creation_time\":1767225600,\"creation_ttl\":0,"
                "\"display_name\":\"root\",\"entity_id\":\"\","
                "\"expire_time\":null,\"explicit_max_ttl\":0,\"id\":\"" +
                root_.client_token +
                "\",\"meta\":null,\"num_uses\":0,\"orphan\":true,"
                "\"path\":\"auth/token/root\",\"policies\":[\"root\"],"
                "\"ttl\":0,\"type\":\"service\"}");
}

TEST_F(TokenBackendTest, LookupShowsALease) {
  const CreatedToken made = created("create", R"({"ttl":100})", user());
  clock_.step(Seconds{40});
  const auto answer =
      post("lookup", "{\"token\":\"" + made.client_token + "\"}", user());
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->data, HasSubstr(R"("ttl":60,)"));
  EXPECT_THAT(answer->data,
              HasSubstr(R"("expire_time":"2026-01-01T00:01:40.5Z")"));
  EXPECT_THAT(answer->data, HasSubstr(R"("renewable":true)"));
  clock_.step(Seconds{60});
  const auto bad =
      post("lookup", "{\"token\":\"" + made.client_token + "\"}", user());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message(), "bad token");
  EXPECT_TRUE(bad.error().plain());
  EXPECT_EQ(bad.error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(TokenBackendTest, AccessorsShowNoToken) {
  const std::string json = "{\"accessor\":\"" + caller_.token->accessor + "\"}";
  const auto answer = post("lookup-accessor", json, user());
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->data, HasSubstr(R"("id":"")"));
  EXPECT_THAT(answer->data, Not(HasSubstr(caller_.client_token)));
  EXPECT_THAT(answer->data, Not(HasSubstr(caller_.token->hash)));
  EXPECT_EQ(post("renew-accessor", json, user())->auth->client_token, "");
  for (const auto* path : {"lookup-accessor", "renew-accessor"}) {
    EXPECT_EQ(error(path, "{}", user()),
              "1 error occurred:\n\t* missing accessor\n\n");
    EXPECT_EQ(error(path, R"({"accessor":"nope"})", user()),
              "1 error occurred:\n\t* invalid accessor\n\n");
  }
  EXPECT_THAT(
      post("revoke-accessor", R"({"accessor":"nope"})", user())->warnings,
      ElementsAre("No token found with this accessor"));
  ASSERT_TRUE(post("revoke-accessor", json, user()));
  EXPECT_FALSE(lives(caller_));
}

TEST_F(TokenBackendTest, OnlySudoEnumeratesOrOrphans) {
  std::vector<std::string_view> sudo;
  for (const api::Route& route : backend_.routes()) {
    if (route.sudo) sudo.push_back(route.pattern);
    EXPECT_FALSE(route.unauthenticated) << route.pattern;
  }
  EXPECT_THAT(sudo, UnorderedElementsAre("accessors"));
  for (const auto* token : {caller_.client_token.c_str(), "s.unknown"}) {
    EXPECT_EQ(error("revoke-orphan",
                    std::string(R"({"token":")") + token + "\"}", user()),
              "root or sudo privileges required to revoke and orphan");
  }
  EXPECT_EQ(error("revoke-orphan", "{}", user()), "missing token ID");
  EXPECT_TRUE(lives(caller_));
  const auto listed = call(Operation::kList, "accessors", "{}", root());
  EXPECT_THAT(listed->data, HasSubstr(root_.token->accessor));
  EXPECT_THAT(listed->data, HasSubstr(caller_.token->accessor));
}

TEST_F(TokenBackendTest, RenewAnswersAndRefuses) {
  const CreatedToken made = created("create", R"({"ttl":100})", user());
  const auto renewed = post(
      "renew", "{\"increment\":\"1m\",\"token\":\"" + made.client_token + "\"}",
      user());
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->auth->lease_duration, Seconds{60});
  EXPECT_EQ(renewed->auth->client_token, made.client_token);
  EXPECT_EQ(error("renew", "{}", user()), "missing token ID");
  EXPECT_EQ(error("renew", R"({"token":"s.x"})", user()), "token not found");
  EXPECT_EQ(error("renew-self", "{}", root()), "invalid lease ID");
  const CreatedToken batch = created("create", R"({"type":"batch"})", user());
  EXPECT_EQ(error("renew-self", "{}", {&batch, false}),
            "batch tokens cannot be renewed");
  const CreatedToken fixed =
      created("create", R"({"renewable":false})", user());
  EXPECT_EQ(error("renew-self", "{}", {&fixed, false}),
            "lease is not renewable");
  const auto capped =
      post("renew-self", R"({"increment":"9000h"})", {&made, false});
  ASSERT_TRUE(capped);
  EXPECT_EQ(capped->warnings.size(), 1U);
}

TEST_F(TokenBackendTest, RenewalNeedsTheRoleStill) {
  ASSERT_TRUE(post("roles/r", R"({"token_period":600})", root()));
  const CreatedToken made = created("create/r", "{}", user());
  for (const int period : {60, 900}) {
    ASSERT_TRUE(post("roles/r",
                     "{\"token_period\":" + std::to_string(period) + "}",
                     root()));
    EXPECT_EQ(post("renew-self", "{}", {&made, false})->auth->lease_duration,
              Seconds{period});
  }
  EXPECT_EQ((*tokens_.lookup(made.client_token, false))->period, Seconds{0});
  ASSERT_TRUE(call(Operation::kDelete, "roles/r", "{}", root()));
  const auto renewed = post("renew-self", "{}", {&made, false});
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().code(), ErrorCode::kInternal);
}

TEST_F(TokenBackendTest, ATokensOwnEndHoldsWhateverItsRoleAllows) {
  ASSERT_TRUE(post("roles/r", R"({"token_explicit_max_ttl":600})", root()));
  const CreatedToken loose = created("create/r", "{}", user());
  const CreatedToken own =
      created("create/r", R"({"explicit_max_ttl":300})", user());
  ASSERT_TRUE(post("roles/r", R"({"token_explicit_max_ttl":900})", root()));
  const auto renewed = [this](const CreatedToken& token) {
    return post("renew-self", R"({"increment":"1h"})", {&token, false})
        ->auth->lease_duration;
  };
  EXPECT_EQ(renewed(loose), Seconds{900});
  EXPECT_EQ(renewed(own), Seconds{300});
}

TEST_F(TokenBackendTest, RevokeForms) {
  const CreatedToken child = created("create", "{}", user());
  EXPECT_EQ(error("revoke", "{}", user()), "missing token ID");
  EXPECT_EQ(error("revoke", R"({"token":"s.unknown"})", user()), "");
  const CreatedToken batch = created("create", R"({"type":"batch"})", user());
  EXPECT_EQ(
      error("revoke", "{\"token\":\"" + batch.client_token + "\"}", user()),
      "batch tokens cannot be revoked");
  EXPECT_EQ(error("revoke-self", "{}", {&batch, false}),
            "batch tokens cannot be revoked");
  EXPECT_EQ(error("revoke-orphan", R"({"token":"s.unknown"})", root()),
            "token to revoke not found");
  ASSERT_TRUE(post("revoke-orphan",
                   "{\"token\":\"" + caller_.client_token + "\"}", root()));
  EXPECT_FALSE(lives(caller_));
  EXPECT_TRUE(lives(child));
  ASSERT_TRUE(post("revoke-self", "{}", root()));
  EXPECT_FALSE(lives(root_));
}

TEST_F(TokenBackendTest, TidyAnswersAtOnce) {
  const auto answer = post("tidy", "{}", root());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->warnings.size(), 1U);
}

TEST_F(TokenBackendTest, ErrorsNeverRepeatATokenOrAnId) {
  const std::string canary = "canary0token0identifier";
  for (const auto* path : {"lookup", "renew", "revoke", "revoke-orphan"}) {
    const auto answer = post(path, "{\"token\":\"s." + canary + "\"}", root());
    if (!answer) {
      EXPECT_THAT(answer.error().message(), Not(HasSubstr(canary))) << path;
    }
  }
  for (const auto* field : {"id", "type", "entity_alias"}) {
    EXPECT_THAT(
        error("create", std::string("{\"") + field + "\":\"s." + canary + "\"}",
              admin()),
        Not(HasSubstr(canary)))
        << field;
  }
}

}  // namespace
}  // namespace bulla::auth
