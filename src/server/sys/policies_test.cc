#include <gmock/gmock.h>

#include "base/encoding.h"
#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr std::string_view kRules =
    R"({"policy":"path \"secret/*\" { capabilities = [\"read\"] }"})";

class SysPolicies : public SysFixture {
 protected:
  void SetUp() override { open(); }
  Result<api::Response> write(std::string_view path, std::string_view body) {
    return call(Operation::kUpdate, path, body, root_);
  }
  Result<api::Response> read(std::string_view path) {
    return call(Operation::kRead, path, {}, root_);
  }
};

TEST_F(SysPolicies, ListsBothWays) {
  ASSERT_TRUE(is_none(write("policies/acl/b", kRules)));
  const auto old = read("policy");
  EXPECT_TRUE(old->duplicate_at_top);
  EXPECT_EQ(data(old), R"({"keys":["b","default","root"],)"
                       R"("policies":["b","default","root"]})");
  EXPECT_EQ(data(call(Operation::kList, "policy", {}, root_)), data(old));
  const auto listed = call(Operation::kList, "policies/acl", {}, root_);
  EXPECT_FALSE(listed->duplicate_at_top);
  EXPECT_EQ(data(listed), R"({"keys":["b","default","root"]})");
  EXPECT_EQ(data(read("policies/acl")), data(listed));
  EXPECT_EQ(data(call(Operation::kList, "policies/acl",
                      R"({"after":"b","limit":"1"})", root_)),
            R"({"keys":["default"]})");
}

TEST_F(SysPolicies, WritesReadsDeletes) {
  ASSERT_TRUE(is_none(write("policies/acl/team/a", kRules)));
  EXPECT_THAT(data(read("policies/acl/team/a")),
              MatchesRegex(R"(\{"allow_slashes_in_identity_templates":false,)"
                           R"("allow_wildcards_in_identity_templates":false,)"
                           R"("cas_required":false,"modified":"[^"]*",)"
                           R"("name":"team/a","policy":"path \\"secret/\*\\" )"
                           R"(\{ capabilities = \[\\"read\\"\] \}",)"
                           R"("version":1\})"));
  const auto old = read("policy/team/a");
  EXPECT_TRUE(old->duplicate_at_top);
  EXPECT_THAT(data(old), HasSubstr(R"("rules":"path)"));
  EXPECT_TRUE(is_none(call(Operation::kDelete, "policy/team/a", {}, root_)));
  EXPECT_TRUE(
      is_none(call(Operation::kDelete, "policies/acl/team/a", {}, root_)));
  EXPECT_TRUE(is_none(read("policies/acl/team/a")));
  EXPECT_TRUE(is_none(read("policy/team/a")));
}

TEST_F(SysPolicies, TakesBase64) {
  const std::string text = R"(path "x" { capabilities = ["read"] })";
  ASSERT_TRUE(
      is_none(write("policies/acl/a",
                    "{\"policy\":\"" + base64_encode(as_bytes(text)) + "\"}")));
  EXPECT_EQ(core_->policies().get("a")->text, text);
}

TEST_F(SysPolicies, RulesIsTheOldWord) {
  const std::string body =
      R"({"rules":"path \"x\" { capabilities = [\"read\"] }"})";
  const auto written = write("policy/a", body);
  ASSERT_TRUE(written);
  EXPECT_TRUE(written->present);
  EXPECT_THAT(
      written->warnings,
      ElementsAre("'rules' is deprecated, please use 'policy' instead"));
  EXPECT_EQ(error(write("policies/acl/a", body)),
            "'policy' parameter not supplied or empty");
}

TEST_F(SysPolicies, CheckAndSetAndExpiry) {
  const auto with = [](std::string_view more) {
    std::string body(kRules);
    body.pop_back();
    return body.append(more).append("}");
  };
  EXPECT_EQ(error(write("policies/acl/a", with(R"(,"cas":3)"))),
            "check-and-set parameter 3 did not match the current version 0");
  ASSERT_TRUE(is_none(write(
      "policies/acl/a", with(R"(,"cas":-1,"cas_required":true,"ttl":"1h")"))));
  EXPECT_THAT(data(read("policies/acl/a")),
              AllOf(HasSubstr(R"("cas_required":true,"expiration":")"),
                    HasSubstr(R"("version":1})")));
  EXPECT_EQ(error(write("policy/a", kRules)),
            "check-and-set parameter required for this call");
  EXPECT_EQ(
      error(write("policies/acl/b",
                  with(R"(,"ttl":1,"expiration":"2030-01-01T00:00:00Z")"))),
      "cannot supply both 'expiration' and 'ttl' for policies");
  const auto patched = call(Operation::kPatch, "policies/acl/a",
                            R"({"cas":1,"cas_required":false})", root_);
  ASSERT_TRUE(patched);
  EXPECT_TRUE(patched->present);
  EXPECT_THAT(data(read("policies/acl/a")),
              HasSubstr(R"("cas_required":false)"));
  EXPECT_EQ(error(call(Operation::kPatch, "policies/acl/none", "{}", root_)),
            "policy not found");
  EXPECT_THAT(data(call(Operation::kList, "policies/detailed/acl", {}, root_)),
              AllOf(HasSubstr(R"({"key_info":{"a":{)"),
                    HasSubstr(R"("keys":["a","default","root"]})")));
}

TEST_F(SysPolicies, NamesAreFolded) {
  ASSERT_TRUE(is_none(write("policies/acl/MiXed", kRules)));
  EXPECT_THAT(data(read("policies/acl/MIXED")), HasSubstr(R"("name":"mixed")"));
  EXPECT_TRUE(
      is_none(call(Operation::kDelete, "policies/acl/mIXED", {}, root_)));
  EXPECT_TRUE(is_none(read("policies/acl/mixed")));
}

TEST_F(SysPolicies, RootIsRootInAnySpelling) {
  for (const char* name :
       {"root", "Root", "ROOT", " root", "root ", "\troot"}) {
    for (const char* base : {"policies/acl/", "policy/"}) {
      EXPECT_EQ(error(write(std::string(base) + name, kRules)),
                "cannot update \"root\" policy")
          << name;
      EXPECT_EQ(
          error(call(Operation::kDelete, std::string(base) + name, {}, root_)),
          "cannot delete \"root\" policy")
          << name;
    }
  }
  EXPECT_THAT(data(read("policies/acl/root")),
              HasSubstr(R"("name":"root","policy":"","version":0})"));
}

TEST_F(SysPolicies, FixedOnesStay) {
  EXPECT_EQ(error(call(Operation::kDelete, "policy/default", {}, root_)),
            "cannot delete default policy");
  EXPECT_TRUE(is_none(write("policy/default", kRules)));
  EXPECT_FALSE(write("policy/response-wrapping", kRules));
  EXPECT_FALSE(call(Operation::kDelete, "policy/response-wrapping", {}, root_));
}

TEST_F(SysPolicies, RefusesBadOnes) {
  EXPECT_EQ(error(write("policies/acl/a", "{}")),
            "'policy' parameter not supplied or empty");
  EXPECT_EQ(error(write("policies/acl/a", R"({"policy":""})")),
            "'policy' parameter not supplied or empty");
  EXPECT_THAT(error(write("policies/acl/a", R"({"policy":"path {"})")),
              HasSubstr("failed to parse policy: "));
  EXPECT_THAT(error(write("policies/acl/a",
                          R"({"policy":"path \"x\" { nonsense = 1 }"})")),
              HasSubstr("invalid key \"nonsense\""));
  EXPECT_FALSE(write("policies/acl/ ", kRules));
  EXPECT_TRUE(is_none(read("policies/acl/a")));
}

}  // namespace
}  // namespace bulla::server
