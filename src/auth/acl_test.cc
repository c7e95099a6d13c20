#include "auth/acl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bulla::auth {
namespace {

using api::Operation;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<const Policy> policy(std::string_view name,
                                     std::string_view text) {
  auto parsed = parse_policy(name, text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message());
  return *parsed;
}

Acl acl_of(std::string_view text) { return Acl({policy("p", text)}); }

bool allows(const Acl& acl, Operation operation, std::string_view path) {
  return acl.decide({operation, path, std::nullopt, std::nullopt}).allowed;
}

bool allows_body(const Acl& acl, Operation operation, std::string_view json) {
  JsonParser parser;
  const auto root = parse_json(parser, json);
  return acl.decide({operation, "a", root->get_object().value(), std::nullopt})
      .allowed;
}

TEST(Acl, RootMayEverything) {
  const Acl acl({policy("root", "")});
  EXPECT_TRUE(acl.is_root());
  const AclDecision decision =
      acl.decide({Operation::kDelete, "sys/seal", {}, {}});
  EXPECT_TRUE(decision.allowed && decision.sudo && decision.root);
  EXPECT_EQ(acl.capabilities("x"), api::kCapRoot);
}

TEST(Acl, RootBesideOthersIsNotRoot) {
  EXPECT_FALSE(Acl({policy("root", ""), policy("a", "")}).is_root());
}

TEST(Acl, NothingIsAllowedWithoutARule) {
  const Acl acl({});
  EXPECT_FALSE(allows(acl, Operation::kRead, "a"));
  EXPECT_FALSE(allows(acl, Operation::kRead, ""));
  EXPECT_TRUE(allows(acl, Operation::kHelp, "a"));
  EXPECT_EQ(acl.capabilities("a"), api::kCapDeny);
}

TEST(Acl, ScanIsGrantedByItselfAlone) {
  const Acl acl = acl_of(R"(
      path "a/*" { capabilities = ["scan"] }
      path "b/*" { capabilities = ["list", "read"] }
      path "c" { capabilities = ["scan"] })");
  EXPECT_TRUE(allows(acl, Operation::kScan, "a/"));
  EXPECT_FALSE(allows(acl, Operation::kList, "a/"));
  EXPECT_FALSE(allows(acl, Operation::kScan, "b/"));
  EXPECT_TRUE(allows(acl, Operation::kScan, "c/"));
}

TEST(Acl, ExactPathsAreExact) {
  const Acl acl = acl_of(R"(path "secret/foo" { capabilities = ["read"] })");
  EXPECT_TRUE(allows(acl, Operation::kRead, "secret/foo"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "secret/foo/"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "secret/fool"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "secret/Foo"));
  EXPECT_FALSE(allows(acl, Operation::kUpdate, "secret/foo"));
}

TEST(Acl, OrderOfPrecedence) {
  const Acl acl = acl_of(R"(
    path "*"             { capabilities = ["delete"] }
    path "secret/*"      { capabilities = ["read"] }
    path "secret/+/x"    { capabilities = ["update"] }
    path "secret/+/x*"   { capabilities = ["patch"] }
    path "secret/a/*"    { capabilities = ["create"] }
    path "secret/a/x"    { capabilities = ["list"] }
    path "kv/+/x"        { capabilities = ["update"] }
    path "kv/+/x*"       { capabilities = ["patch"] }
    path "+/+/y"         { capabilities = ["sudo", "read"] }
    path "+/b/y"         { capabilities = ["update"] })");
  const auto only = [&](std::string_view path, api::Capabilities expected) {
    EXPECT_EQ(acl.capabilities(path), expected) << path;
  };
  only("other", api::kCapDelete);
  only("secret/q", api::kCapRead);
  only("secret/q/xx", api::kCapRead);  // of two prefixes fewer '+'
  only("kv/q/xx", api::kCapPatch);
  only("kv/q/x/y", api::kCapPatch);
  only("kv/q/x", api::kCapUpdate);
  only("secret/q/x", api::kCapUpdate);  // not '*'-terminated
  only("secret/a/q", api::kCapCreate);  // the later wildcard
  only("secret/a/x", api::kCapList);    // exact
  only("m/n/y", api::kCapSudo | api::kCapRead);
  only("m/b/y", api::kCapUpdate);  // fewer '+'
}

TEST(Acl, PlusIsOneWholeSegment) {
  const Acl acl = acl_of(R"(
    path "a/+/c" { capabilities = ["read"] }
    path "x/a+b" { capabilities = ["read"] })");
  EXPECT_TRUE(allows(acl, Operation::kRead, "a/b/c"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "a/b/b/c"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "a/b/c/"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "a/c"));
  EXPECT_TRUE(allows(acl, Operation::kRead, "x/a+b"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "x/aab"));
}

TEST(Acl, ListTriesTheSlashFirstAndThenWithout) {
  const Acl acl = acl_of(R"(
    path "a"   { capabilities = ["list"] }
    path "b/"  { capabilities = ["list"] }
    path "b"   { capabilities = ["read"] }
    path "c/+" { capabilities = ["list"] })");
  for (const auto* path : {"a", "a/", "b", "b/", "c/x", "c/x/"}) {
    EXPECT_TRUE(allows(acl, Operation::kList, path)) << path;
  }
  EXPECT_FALSE(allows(acl, Operation::kRead, "a/"));
}

TEST(Acl, ListNeverSkipsADeny) {
  const Acl below = acl_of(R"(
    path "m/*"         { capabilities = ["list", "read"] }
    path "m/private/*" { capabilities = ["deny"] })");
  EXPECT_FALSE(allows(below, Operation::kList, "m/private"));
  EXPECT_FALSE(allows(below, Operation::kList, "m/private/"));
  EXPECT_TRUE(allows(below, Operation::kList, "m/public/"));

  const Acl segment = acl_of(R"(
    path "m/*" { capabilities = ["list", "read"] }
    path "m/+" { capabilities = ["deny"] })");
  EXPECT_FALSE(allows(segment, Operation::kList, "m/x/"));
  EXPECT_FALSE(allows(segment, Operation::kRead, "m/x/"));
  EXPECT_TRUE(allows(segment, Operation::kList, "m/x/y/"));

  const Acl exact = acl_of(R"(
    path "m/*"   { capabilities = ["list", "read"] }
    path "m/x"   { capabilities = ["deny"] }
    path "n"     { capabilities = ["list"] }
    path "n/*"   { capabilities = ["deny"] })");
  EXPECT_FALSE(allows(exact, Operation::kList, "m/x/"));
  EXPECT_FALSE(allows(exact, Operation::kRead, "m/x/"));
  EXPECT_FALSE(allows(exact, Operation::kList, "n/"));
}

TEST(Acl, ANarrowerRuleStillOverridesABroaderDeny) {
  const Acl acl = acl_of(R"(
    path "m/*"    { capabilities = ["deny"] }
    path "m/app"  { capabilities = ["list"] }
    path "m/+/"   { capabilities = ["list"] })");
  EXPECT_TRUE(allows(acl, Operation::kList, "m/app/"));
  EXPECT_TRUE(allows(acl, Operation::kList, "m/other/"));
  EXPECT_FALSE(allows(acl, Operation::kList, "m/a/b/"));
}

TEST(Acl, SamePathMergesOverPoliciesAndDenyWins) {
  const auto a = policy("a", R"(path "k/*" { capabilities = ["read"] })");
  const auto b = policy("b", R"(path "k/*" { capabilities = ["update"] })");
  const auto c = policy("c", R"(path "k/*" { capabilities = ["deny"] })");
  EXPECT_EQ(Acl({a, b}).capabilities("k/x"), api::kCapRead | api::kCapUpdate);
  const auto granting = [](const Acl& acl, Operation operation) {
    const auto* names = acl.decide({operation, "k/x", {}, {}}).granted_by;
    return names == nullptr ? std::vector<std::string>{} : *names;
  };
  const auto d = policy("d", R"(path "k/*" { capabilities = ["read"] })");
  EXPECT_THAT(granting(Acl({d, b, a}), Operation::kRead),
              ElementsAre("a", "d"));
  EXPECT_THAT(granting(Acl({d, b, a}), Operation::kUpdate), ElementsAre("b"));
  EXPECT_THAT(granting(Acl({d, b, a}), Operation::kDelete), IsEmpty());
  for (const auto& order : {std::vector{a, b, c}, std::vector{c, a, b}}) {
    EXPECT_EQ(Acl(order).capabilities("k/x"), api::kCapDeny);
    EXPECT_THAT(granting(Acl(order), Operation::kRead), IsEmpty());
  }
}

TEST(Acl, SudoComesFromTheWinningRule) {
  const Acl acl = acl_of(R"(
    path "s/*" { capabilities = ["update", "sudo"] }
    path "s/x" { capabilities = ["update"] })");
  EXPECT_TRUE(acl.decide({Operation::kUpdate, "s/y", {}, {}}).sudo);
  EXPECT_FALSE(acl.decide({Operation::kUpdate, "s/x", {}, {}}).sudo);
}

TEST(Acl, TemplatedRulesAreSkipped) {
  const Acl acl = acl_of(
      R"(path "a/{{identity.entity.id}}" { capabilities = ["read"] }
         path "b/{{identity.entity.id}}*" { capabilities = ["read"] })");
  EXPECT_FALSE(allows(acl, Operation::kRead, "a/{{identity.entity.id}}"));
  EXPECT_FALSE(allows(acl, Operation::kRead, "b/{{identity.entity.id}}"));
}

TEST(AclParameters, DeniedAllowedRequired) {
  const Acl acl = acl_of(R"(path "a" {
    capabilities = ["update", "read"]
    allowed_parameters = { "ttl" = ["1h", "2*"], "any" = [], "n" = [5] }
    denied_parameters = { "any" = ["bad*", "*worse"] }
    required_parameters = ["ttl"] })");
  const auto update = Operation::kUpdate;
  EXPECT_TRUE(allows_body(acl, update, R"({"ttl":"1h"})"));
  EXPECT_TRUE(allows_body(acl, update, R"({"TTL":"24h","any":{},"n":5})"));
  EXPECT_TRUE(allows_body(acl, update, R"({"ttl":"1h","n":"5"})"));
  EXPECT_FALSE(allows_body(acl, update, R"({"ttl":"3h"})"));
  EXPECT_FALSE(allows_body(acl, update, R"({"ttl":"1h","other":1})"));
  EXPECT_FALSE(allows_body(acl, update, R"({"any":1})"));
  EXPECT_FALSE(allows_body(acl, update, R"({"ttl":"1h","any":"badness"})"));
  EXPECT_FALSE(allows_body(acl, update, R"({"ttl":"1h","ANY":"is worse"})"));
  EXPECT_FALSE(allows_body(acl, update, R"({"ttl":"1h","any":["ok","bad"]})"));
  EXPECT_FALSE(allows_body(acl, update, R"({"ttl":"1h","ttl":"3h"})"));
  EXPECT_FALSE(allows(acl, update, "a"));
}

TEST(AclParameters, StarStandsForEveryKey) {
  const Acl denied = acl_of(R"(path "a" { capabilities = ["update"]
                               denied_parameters = { "*" = [] } })");
  EXPECT_TRUE(allows_body(denied, Operation::kUpdate, "{}"));
  EXPECT_FALSE(allows_body(denied, Operation::kUpdate, R"({"x":1})"));
  const Acl allowed = acl_of(R"(path "a" { capabilities = ["update"]
      allowed_parameters = { "*" = [], "x" = ["1"] } })");
  EXPECT_TRUE(allows_body(allowed, Operation::kUpdate, R"({"y":2})"));
  EXPECT_FALSE(allows_body(allowed, Operation::kUpdate, R"({"x":2})"));
}

TEST(AclParameters, ListsAreComparedWholeAndByElement) {
  const Acl acl = acl_of(R"(path "a" { capabilities = ["update"]
      allowed_parameters = { "l" = ["a", "b", ["p", "q"]] } })");
  EXPECT_TRUE(allows_body(acl, Operation::kUpdate, R"({"l":["a","b"]})"));
  EXPECT_TRUE(allows_body(acl, Operation::kUpdate, R"({"l":["p","q"]})"));
  EXPECT_FALSE(allows_body(acl, Operation::kUpdate, R"({"l":["p"]})"));
  EXPECT_FALSE(allows_body(acl, Operation::kUpdate, R"({"l":["a","c"]})"));
  EXPECT_FALSE(allows_body(acl, Operation::kUpdate, R"({"l":[]})"));
}

TEST(AclParameters, MergeKeyByKey) {
  const auto a = policy("a", R"(path "a" { capabilities = ["update"]
      allowed_parameters = { "x" = ["1"], "y" = ["1"] } })");
  const auto b = policy("b", R"(path "a" { capabilities = ["update"]
      allowed_parameters = { "x" = ["2"], "y" = [] } })");
  const Acl acl({a, b});
  EXPECT_TRUE(allows_body(acl, Operation::kUpdate, R"({"x":"1","y":"9"})"));
  EXPECT_TRUE(allows_body(acl, Operation::kUpdate, R"({"x":"2"})"));
  EXPECT_FALSE(allows_body(acl, Operation::kUpdate, R"({"x":"3"})"));
}

TEST(Acl, WrappingBounds) {
  const auto a = policy("a", R"(path "a" { capabilities = ["read"]
      min_wrapping_ttl = 60 max_wrapping_ttl = 3600 })");
  const auto wraps = [](const Acl& acl, std::optional<Seconds> ttl) {
    return acl.decide({Operation::kRead, "a", std::nullopt, ttl}).allowed;
  };
  const Acl one({a});
  EXPECT_FALSE(wraps(one, std::nullopt));
  EXPECT_FALSE(wraps(one, Seconds{59}));
  EXPECT_TRUE(wraps(one, Seconds{60}));
  EXPECT_TRUE(wraps(one, Seconds{3600}));
  EXPECT_FALSE(wraps(one, Seconds{3601}));
  const auto low = policy("l", R"(path "a" { capabilities = ["read"]
      max_wrapping_ttl = 30 })");
  for (const int seconds : {1, 30, 60, 100}) {
    EXPECT_FALSE(wraps(Acl({a, low}), Seconds{seconds}));
  }
}

TEST(Acl, MayTouch) {
  const Acl acl = acl_of(R"(
    path "kv/data/x"   { capabilities = ["read"] }
    path "tr*"         { capabilities = ["update"] }
    path "+/keys/a"    { capabilities = ["read"] }
    path "no/*"        { capabilities = ["deny"] }
    path "no/keys"     { capabilities = ["deny"] })");
  EXPECT_TRUE(acl.may_touch("kv/"));
  EXPECT_TRUE(acl.may_touch("transit/"));
  EXPECT_TRUE(acl.may_touch("any/"));  // by "+/keys/a"
  EXPECT_FALSE(
      acl_of(R"(path "no/*" { capabilities = ["deny"] })").may_touch("no/"));
  EXPECT_FALSE(
      acl_of(R"(path "a/b/+" { capabilities = ["read"] })").may_touch("b/"));
}

TEST(Acl, ResultantJson) {
  const Acl acl = acl_of(R"(path "a" { capabilities = ["read", "list"] }
                            path "b/*" { capabilities = ["deny"] }
                            path "+/c" { capabilities = ["read"] })");
  EXPECT_EQ(acl.resultant_json(),
            R"({"exact_paths":{"a":{"capabilities":["list","read"]}},)"
            R"("glob_paths":{"b/":{"capabilities":["deny"]}},"root":false})");
}

}  // namespace
}  // namespace bulla::auth
