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
  PolicyStore again{barrier::View(barrier_, "sys/policy/"), clock_};
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

TEST_F(PolicyStoreTest, WritesAreCounted) {
  ASSERT_TRUE(policies_.set("dev", kRead));
  EXPECT_EQ(policies_.get("dev")->meta.version, 1U);
  EXPECT_EQ(policies_.get("dev")->meta.modified, clock_.now());
  clock_.step(Seconds{5});
  ASSERT_TRUE(policies_.set("dev", kRead));
  EXPECT_EQ(policies_.get("dev")->meta.version, 2U);
  PolicyStore again{barrier::View(barrier_, "sys/policy/"), clock_};
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.get("dev")->meta.version, 2U);
  EXPECT_EQ(again.get("dev")->meta.modified, clock_.now());
}

TEST_F(PolicyStoreTest, CheckAndSet) {
  const auto message = [&](std::string_view name, PolicyUpdate update) {
    update.text = std::string(kRead);
    const auto set = policies_.set(name, std::move(update));
    return set ? std::string() : set.error().message();
  };
  const std::string needed = "check-and-set parameter required for this call";
  EXPECT_EQ(message("a", {.cas_required = true}), needed);
  EXPECT_EQ(message("a", {.cas = 5}),
            "check-and-set parameter 5 did not match the current version 0");
  EXPECT_EQ(message("a", {.cas = -1, .cas_required = true}), "");
  EXPECT_EQ(message("a", {.cas = -1}),
            "check-and-set parameter set to -1 on existing entry");
  EXPECT_EQ(message("a", {}), needed);
  EXPECT_EQ(message("a", {.cas = 0}),
            "check-and-set parameter 0 did not match the current version 1");
  EXPECT_EQ(message("a", {.cas = 1}), "");
  EXPECT_FALSE(policies_.get("a")->meta.cas_required);
  EXPECT_EQ(message("b", {.cas = 0}), "");
}

TEST_F(PolicyStoreTest, PatchesKeepTheRest) {
  EXPECT_EQ(policies_.set("dev", {.patch = true}).error().message(),
            "policy not found");
  ASSERT_TRUE(policies_.set("dev", kRead));
  ASSERT_TRUE(policies_.set("dev", {.cas_required = true, .patch = true}));
  EXPECT_EQ(policies_.get("dev")->text, kRead);
  ASSERT_TRUE(policies_.set("dev", {.text = "", .patch = true}));
  EXPECT_TRUE(policies_.get("dev")->meta.cas_required);
  EXPECT_EQ(policies_.get("dev")->meta.version, 3U);
}

TEST_F(PolicyStoreTest, ExpiredPoliciesGrantNothing) {
  const auto expiring = [&](Time end) {
    return policies_.set("dev",
                         {.text = std::string(kRead), .expiration = end});
  };
  EXPECT_EQ(expiring(clock_.now()).error().message(),
            "refusing to update policy as expiration time has already elapsed");
  ASSERT_TRUE(expiring(clock_.now() + Seconds{60}));
  const auto acl = policies_.acl({"dev"});
  EXPECT_EQ(acl->good_until(), clock_.now() + Seconds{60});
  EXPECT_TRUE(reads({"dev"}, "a"));
  clock_.step(Seconds{60});
  EXPECT_FALSE(reads({"dev"}, "a"));
  EXPECT_EQ(policies_.get("dev"), nullptr);
  EXPECT_THAT(policies_.list(), ElementsAre("default", "root"));
  ASSERT_TRUE(policies_.sweep_expired());
  clock_.step(Seconds{-30});
  EXPECT_FALSE(reads({"dev"}, "a"));
  ASSERT_TRUE(policies_.set("dev", kRead));
  EXPECT_EQ(policies_.get("dev")->meta.version, 1U);
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
