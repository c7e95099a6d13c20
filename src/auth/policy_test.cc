#include "auth/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bulla::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::shared_ptr<const Policy> parsed(std::string_view text) {
  auto policy = parse_policy("p", text);
  EXPECT_TRUE(policy) << (policy ? "" : policy.error().message());
  return policy ? *policy : std::make_shared<const Policy>();
}

std::string refusal(std::string_view text) {
  const auto policy = parse_policy("p", text);
  EXPECT_FALSE(policy) << text;
  if (policy) return {};
  EXPECT_EQ(policy.error().code(), ErrorCode::kInvalidArgument);
  return policy.error().message();
}

TEST(Policy, ReadsHcl) {
  const auto policy = parsed(R"(
    name = "ignored"
    path "/secret/*" {
      comment = "all of it"
      capabilities = ["create", "read", "sudo"]
      allowed_parameters = { "Type" = ["a*", 3, true], "free" = [] }
      denied_parameters = { "list" = [["x", "y"]] }
      required_parameters = ["Name"]
      min_wrapping_ttl = "1m"
      max_wrapping_ttl = 3600
    }
    path "a/+/b" { policy = "write" })");
  ASSERT_EQ(policy->rules.size(), 2U);
  const PolicyRule& first = policy->rules[0];
  EXPECT_EQ(first.path, "secret/");
  EXPECT_TRUE(first.prefix);
  EXPECT_FALSE(first.segments);
  EXPECT_EQ(first.capabilities,
            api::kCapCreate | api::kCapRead | api::kCapSudo);
  EXPECT_THAT(first.allowed_parameters.at("type"),
              ElementsAre("a*", "3", "true"));
  EXPECT_THAT(first.allowed_parameters.at("free"), IsEmpty());
  EXPECT_THAT(first.denied_parameters.at("list"), ElementsAre(R"(["x","y"])"));
  EXPECT_THAT(first.required_parameters, ElementsAre("name"));
  EXPECT_EQ(first.min_wrapping_ttl, Seconds{60});
  EXPECT_EQ(first.max_wrapping_ttl, Seconds{3600});
  const PolicyRule& second = policy->rules[1];
  EXPECT_TRUE(second.segments);
  EXPECT_FALSE(second.prefix);
  EXPECT_EQ(second.capabilities, api::kCapCreate | api::kCapRead |
                                     api::kCapUpdate | api::kCapDelete |
                                     api::kCapList);
}

TEST(Policy, ReadsJson) {
  const auto policy = parsed(
      R"({"path":{"secret/*":{"capabilities":["read"]},
                  "b":[{"capabilities":["list"]}]}})");
  ASSERT_EQ(policy->rules.size(), 2U);
  EXPECT_EQ(policy->rules[0].path, "secret/");
  EXPECT_EQ(policy->rules[1].capabilities, api::kCapList);
  EXPECT_EQ(parsed(R"({"path":[{"a":{"policy":"read"}}]})")->rules.size(), 1U);
}

TEST(Policy, DenyStandsAlone) {
  const auto policy =
      parsed(R"(path "a" { capabilities = ["read", "deny", "sudo"] })");
  EXPECT_EQ(policy->rules[0].capabilities, api::kCapDeny);
  EXPECT_EQ(parsed(R"(path "a" { policy = "deny" })")->rules[0].capabilities,
            api::kCapDeny);
}

TEST(Policy, WordsWithoutEffectHereGrantNothing) {
  const auto policy =
      parsed(R"(path "a" { capabilities = ["subscribe", "recover"]
                           subscribe_event_types = ["*"] })");
  EXPECT_EQ(policy->rules[0].capabilities, 0);
}

TEST(Policy, RefusesWithTheReferenceTexts) {
  EXPECT_EQ(refusal("path \"p\" {\n  capability = [\"read\"]\n}"),
            "failed to parse policy: path \"p\": invalid key \"capability\" on "
            "line 2");
  EXPECT_EQ(refusal(R"(path "p" { capabilities = ["reed"] })"),
            "failed to parse policy: path \"p\": invalid capability \"reed\"");
  EXPECT_EQ(refusal(R"(path "p/+*" { capabilities = ["read"] })"),
            "failed to parse policy: path \"p/+*\": invalid use of wildcards "
            "('+*' is forbidden)");
  EXPECT_EQ(refusal("paths \"p\" { capabilities = [\"read\"] }"),
            "failed to parse policy: invalid key \"paths\" on line 1");
  EXPECT_EQ(refusal(R"(path "p" { policy = "admin" })"),
            "failed to parse policy: path \"p\": invalid policy \"admin\"");
  EXPECT_EQ(
      refusal(R"(path "p" { min_wrapping_ttl = 10 max_wrapping_ttl = 5 })"),
      "failed to parse policy: path \"p\": max_wrapping_ttl cannot be less "
      "than min_wrapping_ttl");
}

TEST(Policy, RefusesRootAsACapability) {
  EXPECT_THAT(refusal(R"(path "p" { capabilities = ["root"] })"),
              HasSubstr("invalid capability \"root\""));
}

TEST(Policy, RefusesWhatItWouldOtherwiseSilentlyWiden) {
  for (const auto* key :
       {"mfa_methods = [\"x\"]", "control_group = {}", "expiration = \"x\"",
        "pagination_limit = 3", "list_scan_response_keys_filter_path = \"x\"",
        "response_keys_filter_path = \"x\""}) {
    EXPECT_THAT(refusal(std::string("path \"p\" { ") + key + " }"),
                HasSubstr("is not supported by this server"))
        << key;
  }
}

TEST(Policy, RefusesMalformedInput) {
  for (const auto* text :
       {"path", "path \"a\" { capabilities = \"", "{", "{\"path\":3}",
        "path \"a\" { capabilities = \"read\" }",
        "path \"a\" { required_parameters = \"x\" }",
        "path \"a\" { allowed_parameters = { \"x\" = \"y\" } }",
        "path \"a\" \"b\" { }", "path \"a\" { capabilities = [[\"read\"]] }",
        "path \"a\" { capabilities = [\"read\"] capabilities = [\"list\"] }",
        "path \"a\" { allowed_parameters = 3 }",
        "path \"a\" { allowed_parameters = { \"x\" = [] \"X\" = [1] } }",
        "path \"a\" { min_wrapping_ttl = \"soon\" }",
        "path \"a\" { min_wrapping_ttl = -5 }", "path \"a/{{x\" { }",
        "path \"a/}}x{{\" { }",
        "path \"a\" { required_parameters = { a = 1 } }"}) {
    EXPECT_THAT(refusal(text), StartsWith("failed to parse policy: ")) << text;
  }
}

TEST(Policy, KeepsTemplatesButMarksThem) {
  const auto policy = parsed(
      R"(path "kv/{{identity.entity.id}}/*" { capabilities = ["read"] })");
  EXPECT_TRUE(policy->rules[0].templated);
}

TEST(PolicyNames, FoldToOneForm) {
  EXPECT_EQ(canonical_policy_name(" \tRoOt\n"), "root");
  EXPECT_THAT(canonical_policies({"B", "a", " b ", "", "A"}),
              ElementsAre("a", "b"));
  EXPECT_THAT(canonical_policies({"a", " ROOT"}), ElementsAre("root"));
  EXPECT_THAT(capability_names(api::kCapUpdate | api::kCapCreate),
              ElementsAre("create", "update"));
}

}  // namespace
}  // namespace bulla::auth
