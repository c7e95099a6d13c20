#include <gmock/gmock.h>

#include "auth/token/token_backend_fixture.h"

namespace bulla::auth {
namespace {

using api::Operation;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(TokenBackendTest, CreateAnswersAuth) {
  const auto answer = post(
      "create",
      R"({"policies":["a"],"meta":{"k":"v"},"ttl":"1h","display_name":"my app!"})",
      user());
  ASSERT_TRUE(answer);
  const api::Auth& auth = *answer->auth;
  EXPECT_THAT(auth.policies, ElementsAre("a", "default"));
  EXPECT_EQ(auth.lease_duration, Seconds{3600});
  EXPECT_EQ(auth.metadata.at("k"), "v");
  EXPECT_TRUE(auth.renewable);
  EXPECT_FALSE(auth.orphan);
  EXPECT_EQ(answer->data, "");
  const auto token = *tokens_.lookup(auth.client_token, true);
  EXPECT_EQ(token->display_name, "token-my-app");
  EXPECT_EQ(token->path, "auth/token/create");
  EXPECT_EQ(token->parent, caller_.token->hash);
}

TEST_F(TokenBackendTest, PoliciesOfAPlainCallerAreASubset) {
  EXPECT_THAT(policies_of("create", "{}", user()),
              ElementsAre("a", "b", "default"));
  EXPECT_THAT(policies_of("create", R"({"policies":["A "]})", user()),
              ElementsAre("a", "default"));
  EXPECT_THAT(
      policies_of("create", R"({"policies":["a"],"no_default_policy":true})",
                  user()),
      ElementsAre("a"));
  EXPECT_THAT(policies_of("create", R"({"no_default_policy":true})", user()),
              ElementsAre("a", "b"));
  EXPECT_THAT(
      policies_of("create",
                  R"({"policies":["a","default"],"no_default_policy":true})",
                  admin()),
      ElementsAre("a"));
  EXPECT_THAT(policies_of("create", R"({"policies":""})", user()),
              ElementsAre("a", "b", "default"));
  EXPECT_EQ(error("create", R"({"policies":["a","c"]})", user()),
            "child policies must be subset of parent");
}

TEST_F(TokenBackendTest, SudoMayGiveAnyPolicyButRoot) {
  const auto answer = post("create", R"({"policies":["zz"]})", admin());
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->auth->policies, ElementsAre("default", "zz"));
  EXPECT_THAT(answer->warnings, ElementsAre("Policy \"zz\" does not exist"));
  for (const auto* name : {"..", "../a", "a/..", "a/../b"}) {
    EXPECT_EQ(error("create", std::string(R"({"policies":[")") + name + "\"]}",
                    admin()),
              std::string("could not look up policy ") + name);
  }
  EXPECT_EQ(error("create", R"({"policies":["response-wrapping"]})", admin()),
            "cannot assign policy \"response-wrapping\"");
}

// CVE-2025-5999 and its kin: whatever folds to root is root.
TEST_F(TokenBackendTest, EverySpellingOfRootIsRefused) {
  for (const auto* name :
       {"root", "ROOT", "Root", " root", "root ", "\\troot\\n", "rOOt\\r"}) {
    const std::string json =
        std::string(R"({"policies":["a",")") + name + "\"]}";
    EXPECT_EQ(error("create", json, user()),
              "child policies must be subset of parent")
        << name;
    EXPECT_EQ(error("create", json, admin()),
              "root tokens may not be created without parent token being root")
        << name;
    ASSERT_TRUE(post("roles/r",
                     std::string(R"({"allowed_policies":[")") + name + "\"]}",
                     root()));
    EXPECT_EQ(error("create/r", "{}", admin()),
              "root tokens may not be created without parent token being root")
        << name;
  }
  EXPECT_THAT(policies_of("create", R"({"policies":["a"," ROOT "]})", root()),
              ElementsAre("root"));
}

TEST_F(TokenBackendTest, PrivilegeMatrix) {
  struct Row {
    const char* json;
    const char* refusal;  // of a caller without sudo
  };
  for (const Row& row :
       {Row{R"({"id":"mine-%"})",
            "root or sudo privileges required to specify token id"},
        Row{R"({"no_parent":true})",
            "root or sudo privileges required to create orphan token"},
        Row{R"({"period":"1h"})",
            "root or sudo privileges required to create periodic token"},
        Row{R"({"policies":["c"]})",
            "child policies must be subset of parent"}}) {
    EXPECT_EQ(error("create", row.json, user()), row.refusal);
    EXPECT_EQ(error("create", row.json, admin()), "") << row.json;
  }
}

TEST_F(TokenBackendTest, ErrorsOfCreate) {
  const auto user_error = [&](std::string_view json) {
    return error("create", json, user());
  };
  EXPECT_EQ(user_error(R"({"type":"other"})"), "invalid 'token_type' value");
  EXPECT_EQ(user_error(R"({"num_uses":-1})"),
            "number of uses cannot be negative");
  EXPECT_EQ(user_error(R"({"entity_alias":"x"})"),
            "'entity_alias' is only allowed in combination with token role");
  EXPECT_EQ(user_error(R"({"ttl":"-1h"})"), "ttl must be positive");
  EXPECT_EQ(user_error(R"({"explicit_max_ttl":-1})"),
            "explicit_max_ttl must be positive");
  EXPECT_EQ(user_error(R"({"period":-1})"), "period must be positive");
  EXPECT_EQ(user_error(R"({"type":"batch","explicit_max_ttl":"1h"})"),
            "batch tokens cannot have \"explicit_max_ttl\" set");
  // As stock clients send what was not asked for.
  EXPECT_EQ(user_error(R"({"type":"batch","explicit_max_ttl":"0s",)"
                       R"("period":"0s","num_uses":0})"),
            "");
  EXPECT_EQ(user_error(R"({"type":"batch","num_uses":1})"),
            "batch tokens cannot have \"num_uses\" set");
  EXPECT_EQ(user_error(R"({"type":"batch","period":"1h"})"),
            "batch tokens cannot have \"period\" set");
  EXPECT_EQ(error("create/nope", "{}", user()), "unknown role nope");
  EXPECT_EQ(error("create", R"({"id":"s.x"})", root()),
            "custom token ID cannot have the 's.' prefix");
  EXPECT_EQ(error("create", R"({"id":"hvs.x"})", root()),
            "custom token ID cannot have the 'hvs.' prefix");
  EXPECT_EQ(error("create", R"({"id":"b.x"})", root()),
            "custom token ID cannot have a '.' in the value");
  EXPECT_EQ(error("create", R"({"id":"own"})", root()), "");
  EXPECT_EQ(error("create", R"({"id":"own"})", root()),
            "cannot create a token with a duplicate ID");
  EXPECT_EQ(error("create", R"({"policies":["root"],"type":"batch"})", root()),
            "batch tokens cannot be root tokens");
}

TEST_F(TokenBackendTest, SomeParentsMayNotCreate) {
  const CreatedToken batch = created("create", R"({"type":"batch"})", user());
  EXPECT_EQ(error("create", "{}", {&batch, true}),
            "batch tokens cannot create more tokens");
  const CreatedToken limited = created("create", R"({"num_uses":5})", user());
  EXPECT_EQ(error("create", "{}", {&limited, true}),
            "restricted use token cannot generate child tokens");
  const CreatedToken revoked = created("create", "{}", user());
  ASSERT_TRUE(tokens_.revoke(revoked.token->hash));
  EXPECT_EQ(error("create", "{}", {&revoked, false}),
            "parent token lookup failed: no parent found");
}

TEST_F(TokenBackendTest, RootTokensAndTheirEnds) {
  const CreatedToken endless =
      created("create", R"({"policies":["root"]})", root());
  EXPECT_FALSE(endless.token->expire_time);
  EXPECT_FALSE(endless.token->renewable);
  const CreatedToken brief =
      created("create", R"({"policies":["root"],"ttl":60})", root());
  EXPECT_TRUE(brief.token->expire_time);
  EXPECT_EQ(error("create", R"({"policies":["root"]})", {&brief, true}),
            "expiring root tokens cannot create non-expiring root tokens");
  const CreatedToken capped = created(
      "create", R"({"policies":["root"],"explicit_max_ttl":60})", root());
  EXPECT_EQ(capped.token->creation_ttl, Seconds{60});
}

TEST_F(TokenBackendTest, TtlsAreCappedWithAWarning) {
  const auto answer = post("create", R"({"ttl":"2000h"})", user());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->auth->lease_duration, kSystemTtl);
  EXPECT_THAT(answer->warnings,
              ElementsAre("TTL of \"2000h\" exceeded the effective max_ttl "
                          "of \"768h\"; TTL value is capped accordingly"));
  EXPECT_EQ(post("create", "{}", user())->auth->lease_duration, kSystemTtl);
}

TEST_F(TokenBackendTest, OrphansAndInheritance) {
  TokenSpec bound = spec({"a"});
  bound.bound_cidrs = {"10.0.0.0/8"};
  bound.entity_id = "entity";
  const CreatedToken parent = make(bound);
  const CreatedToken child = created("create", "{}", {&parent, false});
  EXPECT_THAT(child.token->bound_cidrs, ElementsAre("10.0.0.0/8"));
  EXPECT_EQ(child.token->entity_id, "entity");
  const CreatedToken orphan = created("create-orphan", "{}", {&parent, false});
  EXPECT_TRUE(orphan.token->orphan);
  EXPECT_EQ(orphan.token->entity_id, "");
  EXPECT_EQ(orphan.token->path, "auth/token/create-orphan");
}

TEST_F(TokenBackendTest, RolesDecidePolicies) {
  ASSERT_TRUE(
      post("roles/dev",
           R"({"allowed_policies":"p1,p2","allowed_policies_glob":["q-*"],
                       "disallowed_policies":["q-admin"]})",
           root()));
  EXPECT_THAT(policies_of("create/dev", "{}", user()),
              ElementsAre("default", "p1", "p2"));
  EXPECT_THAT(policies_of("create/dev", R"({"policies":["q-x"]})", user()),
              ElementsAre("default", "q-x"));
  EXPECT_EQ(error("create/dev", R"({"policies":["other"]})", user()),
            "token policies ([\"default\" \"other\"]) must be subset of the "
            "role's allowed policies ([\"default\" \"p1\" \"p2\"]) or glob "
            "policies ([\"q-*\"])");
  EXPECT_EQ(error("create/dev", R"({"policies":["Q-Admin"]})", user()),
            "token policy \"q-admin\" is disallowed by this role");
  ASSERT_TRUE(
      post("roles/not", R"({"disallowed_policies":["b","default"]})", root()));
  EXPECT_EQ(error("create/not", "{}", user()),
            "token policy \"b\" is disallowed by this role");
  EXPECT_THAT(policies_of("create/not", R"({"policies":["x"]})", user()),
              ElementsAre("x"));
  // A role without lists leaves the caller's own bounds.
  ASSERT_TRUE(post("roles/plain", "{}", root()));
  EXPECT_EQ(error("create/plain", R"({"policies":["x"]})", user()),
            "child policies must be subset of parent");
}

TEST_F(TokenBackendTest, WithoutTheDefaultPolicyIsWithoutItInARole) {
  ASSERT_TRUE(post("roles/r", R"({"allowed_policies":"a,default"})", root()));
  EXPECT_THAT(policies_of("create/r", R"({"no_default_policy":true})", user()),
              ElementsAre("a"));
  EXPECT_THAT(
      policies_of("create/r",
                  R"({"policies":["default"],"no_default_policy":true})",
                  user()),
      testing::IsEmpty());
}

TEST_F(TokenBackendTest, RolesDecideTheRest) {
  ASSERT_TRUE(post("roles/r",
                   R"({"orphan":true,"renewable":false,"path_suffix":"abc",
                       "token_period":600,"token_num_uses":4,
                       "token_explicit_max_ttl":900,
                       "token_strictly_bind_ip":true})",
                   root()));
  const auto answer = post("create/r", R"({"explicit_max_ttl":300})", user());
  ASSERT_TRUE(answer);
  EXPECT_THAT(
      answer->warnings,
      Contains("Explicit max TTL specified both during creation call and in "
               "role; using the lesser value of 300 seconds"));
  const auto token = *tokens_.lookup(answer->auth->client_token, true);
  EXPECT_TRUE(token->orphan);
  EXPECT_FALSE(token->renewable);
  EXPECT_EQ(token->path, "auth/token/create/r/abc");
  EXPECT_EQ(token->num_uses, 4);
  EXPECT_EQ(token->creation_ttl, Seconds{300});
  EXPECT_THAT(token->bound_cidrs, ElementsAre("192.0.2.7"));
}

TEST_F(TokenBackendTest, RoleFieldsAndErrors) {
  const auto refused = [&](std::string_view json) {
    return error("roles/x", json, root());
  };
  EXPECT_THAT(refused(R"({"path_suffix":"a/b c"})"),
              HasSubstr("given role path suffix contains invalid characters"));
  EXPECT_EQ(refused(R"({"token_type":"odd"})"),
            "invalid 'token_type' value \"odd\"");
  EXPECT_EQ(refused(R"({"token_type":""})"), "invalid 'token_type' value \"\"");
  EXPECT_EQ(refused(R"({"token_type":"default"})"),
            "invalid 'token_type' value \"default\"");
  EXPECT_EQ(refused(R"({"token_type":"batch"})"),
            "'token_type' cannot be 'batch' when role is set to generate "
            "non-orphan tokens");
  EXPECT_EQ(refused(R"({"token_type":"batch","orphan":true})"),
            "'token_type' cannot be 'batch' when role is set to generate "
            "renewable tokens");
  EXPECT_NE(refused(R"({"token_bound_cidrs":"x"})"), "");
  EXPECT_NE(refused(R"({"token_num_uses":-1})"), "");
  EXPECT_NE(refused(R"({"token_period":-1})"), "");
  EXPECT_TRUE(
      post("roles/x", R"({"token_period":5,"period":9})", root())->warnings ==
      std::vector<std::string>{
          "Both 'token_period' and deprecated 'period' value supplied, "
          "ignoring the deprecated value"});
  const auto read = call(Operation::kRead, "roles/x", "{}", root());
  EXPECT_THAT(read->data, HasSubstr(R"("period":0,)"));
  EXPECT_THAT(read->data, HasSubstr(R"("token_period":5,)"));
  EXPECT_THAT(read->data, HasSubstr(R"("token_type":"default-service")"));
  ASSERT_TRUE(post("roles/x", R"({"period":7})", root()));
  EXPECT_THAT(call(Operation::kRead, "roles/x", "{}", root())->data,
              HasSubstr(R"("period":7,)"));
  EXPECT_EQ(call(Operation::kList, "roles", "{}", root())->data,
            R"({"keys":["x"]})");
  EXPECT_TRUE(call(Operation::kDelete, "roles/x", "{}", root()));
  EXPECT_FALSE(call(Operation::kRead, "roles/x", "{}", root())->present);
  EXPECT_FALSE(call(Operation::kList, "roles", "{}", root())->present);
}

}  // namespace
}  // namespace bulla::auth
