#include "engine/kv/kv_fixture.h"

namespace bulla::engine::kv {
namespace {

using KvData = KvTest;

TEST_F(KvData, WritesVersionsAndReadsThem) {
  const Outcome first = post("data/a/b", R"({"data":{"k":"v"}})");
  ASSERT_TRUE(first.ok) << first.error;
  EXPECT_EQ(first.at("/version"), "1");
  EXPECT_EQ(first.at("/custom_metadata"), "null");
  EXPECT_EQ(first.at("/deletion_time"), "");
  EXPECT_EQ(first.at("/destroyed"), "false");
  EXPECT_EQ(post("data/a/b", R"({"data":{"k":2}})").at("/version"), "2");
  EXPECT_EQ(read("data/a/b").at("/data"), R"({"k":2})");
  EXPECT_EQ(read("data/a/b", R"({"version":1})").at("/data"), R"({"k":"v"})");
  EXPECT_TRUE(is_none(read("data/a/b", R"({"version":3})")));
  EXPECT_TRUE(is_none(read("data/none")));
}

TEST_F(KvData, NeedsData) {
  for (const auto* body : {"{}", R"({"data":null})"}) {
    const Outcome refused = post("data/a", body);
    EXPECT_EQ(refused.code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error, "no data provided");
  }
  EXPECT_TRUE(post("data/a", R"({"data":{}})").ok);
}

TEST_F(KvData, CheckAndSet) {
  const auto write = [&](std::string_view cas) {
    return post("data/a",
                "{\"data\":{},\"options\":{\"cas\":" + std::string(cas) + "}}");
  };
  EXPECT_TRUE(write("0").ok);
  EXPECT_EQ(write("0").error,
            "check-and-set parameter did not match the current version");
  EXPECT_TRUE(write("\"1\"").ok);
  EXPECT_EQ(write("[]").error, "error parsing check-and-set parameter");
  EXPECT_FALSE(write("-1").ok);
  ASSERT_TRUE(is_none(post("config", R"({"cas_required":true})")));
  EXPECT_EQ(post("data/a", R"({"data":{}})").error,
            "check-and-set parameter required for this call");
}

TEST_F(KvData, DeletedByTime) {
  ASSERT_TRUE(is_none(post("config", R"({"delete_version_after":"10s"})")));
  ASSERT_TRUE(post("data/a", R"({"data":{"k":1}})").ok);
  EXPECT_EQ(read("data/a").at("/data/k"), "1");
  EXPECT_NE(read("data/a").at("/metadata/deletion_time"), "");
  clock_.time += Seconds{10};
  const Outcome gone = read("data/a");
  EXPECT_EQ(gone.status(), 404);
  EXPECT_EQ(gone.at("/data"), "null");
  ASSERT_TRUE(is_none(post("config", R"({"delete_version_after":-1})")));
  ASSERT_TRUE(post("data/a", R"({"data":{"k":1}})").ok);
  EXPECT_EQ(read("data/a").at("/metadata/deletion_time"), "");
}

TEST_F(KvData, Patch) {
  ASSERT_TRUE(post("data/a", R"({"data":{"a":1,"b":{"c":2,"d":3}}})").ok);
  EXPECT_EQ(
      patch("data/a", R"({"data":{"a":null,"b":{"c":4}}})").at("/version"),
      "2");
  EXPECT_EQ(read("data/a").at("/data"), R"({"b":{"c":4,"d":3}})");
  EXPECT_EQ(patch("data/a", "{}").error, "no data provided");
  EXPECT_EQ(patch("data/none", R"({"data":{}})").code, ErrorCode::kNotFound);
  ASSERT_TRUE(is_none(remove("data/a")));
  const Outcome deleted = patch("data/a", R"({"data":{}})");
  EXPECT_EQ(deleted.status(), 404);
  EXPECT_EQ(deleted.at("/version"), "2");
}

TEST_F(KvData, Subkeys) {
  ASSERT_TRUE(post("data/a", R"({"data":{"a":{"b":1},"c":2}})").ok);
  EXPECT_EQ(read("subkeys/a").at("/subkeys"), R"({"a":{"b":null},"c":null})");
  EXPECT_EQ(read("subkeys/a", R"({"depth":1})").at("/subkeys"),
            R"({"a":null,"c":null})");
  EXPECT_EQ(read("subkeys/a").at("/metadata/version"), "1");
  ASSERT_TRUE(is_none(remove("data/a")));
  EXPECT_EQ(read("subkeys/a").status(), 404);
  EXPECT_EQ(read("subkeys/a").at("/subkeys"), "null");
}

}  // namespace
}  // namespace bulla::engine::kv
