#include "engine/kv/kv.h"

#include "engine/kv/kv_fixture.h"

namespace bulla::engine::kv {
namespace {

using testing::HasSubstr;

class KvV1 : public KvTest {
 protected:
  KvV1() : KvTest("1") {}
  void raise() {
    config_.options["version"] = "2";
    backend_->tuned(config_);
  }
};

TEST_F(KvV1, StoresTheBody) {
  const std::string body = R"({"a":1.5,"n":9007199254740993,"path":"x"})";
  ASSERT_TRUE(is_none(post("a/b", body)));
  EXPECT_EQ(read("a/b").data, body);
  EXPECT_EQ(read("a/b").response.lease_duration, Seconds{2764800});
  ASSERT_TRUE(is_none(post("a/b", R"({"ttl":"1h"})")));
  EXPECT_EQ(read("a/b").response.lease_duration, Seconds{3600});
  EXPECT_EQ(post("a", "{}").error, "missing data fields");
  EXPECT_EQ(list("").data, R"({"keys":["a/"]})");
  EXPECT_TRUE(is_none(remove("a/b")));
  EXPECT_TRUE(is_none(remove("a/b")));
  EXPECT_TRUE(is_none(read("a/b")));
  EXPECT_TRUE(is_none(list("")));
}

TEST_F(KvV1, BecomesVersion2WithItsRecords) {
  ASSERT_TRUE(is_none(post("a", R"({"k":"v"})")));
  ASSERT_TRUE(is_none(post("a", R"({"k":"w"})")));
  raise();
  EXPECT_EQ(read("data/a").at("/data/k"), "w");
  EXPECT_EQ(read("metadata/a").at("/current_version"), "1");
  EXPECT_EQ(post("data/a", R"({"data":{"k":"x"}})").at("/version"), "2");
  EXPECT_EQ(read("data/a", R"({"version":1})").at("/data/k"), "w");
  EXPECT_THAT(backend_->check().value(), testing::IsEmpty());
}

using Kv = KvTest;

TEST_F(Kv, TellsWhichPathsAreNone) {
  for (const auto* root :
       {"data", "metadata", "delete", "undelete", "destroy"}) {
    const Outcome outcome = read(root);
    EXPECT_EQ(outcome.status(), 404) << root;
    ASSERT_EQ(outcome.response.warnings.size(), 1U);
    EXPECT_THAT(outcome.response.warnings[0], HasSubstr("on the root"));
  }
  for (const auto* path : {"foo", "subkeys", "detailed-metadata"}) {
    const Outcome outcome = read(path);
    EXPECT_EQ(outcome.status(), 404) << path;
    ASSERT_EQ(outcome.response.warnings.size(), 1U);
    EXPECT_THAT(outcome.response.warnings[0], HasSubstr("Invalid path"));
  }
}

TEST_F(Kv, ShowsTheRecordsOfADek) {
  ASSERT_TRUE(is_none(
      post("metadata/a", R"({"custom_metadata":{"type":"password"}})")));
  ASSERT_TRUE(post("data/a", R"({"data":{}})").ok);
  ASSERT_TRUE(post("data/b", R"({"data":{}})").ok);
  const std::string dek = records_.active();
  auto uses = backend_->list_uses(dek, "password", "", 10).value();
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_EQ(uses[0].name, "mount/a");
  EXPECT_EQ(uses[0].type, "password");
  EXPECT_EQ(uses[0].version, 1U);
  uses = backend_->list_uses(dek, "mount/", "", 10).value();
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_EQ(uses[0].name, "mount/b");
  uses = backend_->list_uses(dek, "", "", 1).value();
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_EQ(backend_->list_uses(dek, "", uses[0].record_id, 10)->size(), 1U);

  config_.path = "moved/";
  backend_->tuned(config_);
  EXPECT_THAT(backend_->list_uses(dek, "", "", 1)->front().name,
              testing::StartsWith("moved/"));
}

TEST_F(Kv, IsARecordHolderUntilItEnds) {
  EXPECT_EQ(record_holders_.all().size(), 1U);
  backend_->stop();
  EXPECT_TRUE(record_holders_.all().empty());
}

TEST_F(Kv, AnotherDekTakesRecordsOver) {
  ASSERT_TRUE(post("data/a", R"({"data":{"k":1}})").ok);
  const std::string first = records_.active();
  const std::string second = records_.rotate();
  EXPECT_EQ(backend_->reencrypt(first, "", 10)->reencrypted, 1U);
  EXPECT_EQ(backend_->uses(first).value(), 0U);
  EXPECT_EQ(backend_->uses(second).value(), 1U);
  records_.deactivate(first);
  EXPECT_EQ(read("data/a").at("/data/k"), "1");
}

TEST_F(Kv, AnInactiveDekIsNamed) {
  ASSERT_TRUE(post("data/a", R"({"data":{"k":1}})").ok);
  const std::string first = records_.active();
  records_.deactivate(first);
  EXPECT_THAT(read("data/a").error, HasSubstr(first));
}

}  // namespace
}  // namespace bulla::engine::kv
