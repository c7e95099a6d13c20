#include "auth/policy_store.h"

#include <gmock/gmock.h>

#include "auth/token_fixture.h"

namespace bulla::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kRead = R"(path "a" { capabilities = ["read"] })";

class PolicyStoreTest : public TokenFixture {
 protected:
  bool reads(const std::vector<std::string>& names, std::string_view path) {
    return policies_.acl(names)
        ->decide({api::Operation::kRead, path, {}, {}})
        .allowed;
  }
};

TEST_F(PolicyStoreTest, StartsWithDefaultAndRoot) {
  EXPECT_THAT(policies_.list(), ElementsAre("default", "root"));
  EXPECT_EQ(policies_.get("default")->text, PolicyStore::default_policy_text());
  EXPECT_EQ(policies_.get("root")->text, "");
  EXPECT_EQ(policies_.get("nope"), nullptr);
  EXPECT_TRUE(reads({"default"}, "auth/token/lookup-self"));
  EXPECT_FALSE(reads({"default"}, "auth/token/accessors"));
}

TEST_F(PolicyStoreTest, NamesAreFoldedAndKept) {
  ASSERT_TRUE(policies_.set("  Dev ", kRead));
  EXPECT_THAT(policies_.list(), ElementsAre("default", "dev", "root"));
  EXPECT_EQ(policies_.get("DEV")->text, kRead);
  PolicyStore again{barrier::View(barrier_, "sys/policy/")};
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.get("dev")->text, kRead);
  ASSERT_TRUE(policies_.remove("dEv"));
  EXPECT_EQ(policies_.get("dev"), nullptr);
  EXPECT_TRUE(policies_.remove("dev"));
}

TEST_F(PolicyStoreTest, FixedPoliciesStay) {
  for (const auto* name : {"root", "ROOT", " Root\t", "response-wrapping",
                           "Response-Wrapping", "control-group"}) {
    const auto set = policies_.set(name, kRead);
    ASSERT_FALSE(set) << name;
    EXPECT_THAT(set.error().message(), HasSubstr("cannot update \"")) << name;
    EXPECT_FALSE(policies_.remove(name)) << name;
  }
  EXPECT_EQ(policies_.remove("Default").error().message(),
            "cannot delete default policy");
  EXPECT_EQ(policies_.remove("root").error().message(),
            "cannot delete \"root\" policy");
  EXPECT_TRUE(policies_.set("default", kRead));
  EXPECT_FALSE(policies_.set("", kRead));
}

TEST_F(PolicyStoreTest, OnlyTheExactNameIsRoot) {
  EXPECT_TRUE(policies_.acl({"root"})->is_root());
  for (const auto* name : {"Root", "root ", " root", "ROOT", "root\n"}) {
    EXPECT_FALSE(policies_.acl({name})->is_root()) << name;
  }
  EXPECT_FALSE(policies_.acl({"default", "root"})->is_root());
}

TEST_F(PolicyStoreTest, AclsFollowChanges) {
  ASSERT_TRUE(policies_.set("dev", kRead));
  const auto first = policies_.acl({"dev"});
  EXPECT_EQ(policies_.acl({"dev"}), first);
  EXPECT_TRUE(reads({"dev", "unknown"}, "a"));
  const std::uint64_t before = policies_.version();
  ASSERT_TRUE(policies_.set("dev", R"(path "a" { capabilities = ["deny"] })"));
  EXPECT_GT(policies_.version(), before);
  EXPECT_FALSE(reads({"dev"}, "a"));
  ASSERT_TRUE(policies_.remove("dev"));
  EXPECT_FALSE(reads({"dev"}, "a"));
}

TEST_F(PolicyStoreTest, ARefusedPolicyChangesNothing) {
  ASSERT_TRUE(policies_.set("dev", kRead));
  EXPECT_FALSE(policies_.set("dev", "path"));
  EXPECT_EQ(policies_.get("dev")->text, kRead);
  storage_.fail_commit(1, storage::FaultStorage::When::kBefore);
  EXPECT_FALSE(policies_.set("dev", ""));
  EXPECT_EQ(policies_.get("dev")->text, kRead);
}

TEST_F(PolicyStoreTest, AlteredStorageIsRefused) {
  ASSERT_TRUE(policies_.set("dev", kRead));
  storage_.flip("sys/policy/dev", 40);
  const auto loaded = policies_.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bulla::auth
