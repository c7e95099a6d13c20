#include "engine/kv/kv_fixture.h"

namespace bulla::engine::kv {
namespace {

class KvVersions : public KvTest {
 protected:
  void SetUp() override {
    for (const auto* body : {R"({"data":{"n":1}})", R"({"data":{"n":2}})",
                             R"({"data":{"n":3}})"}) {
      ASSERT_TRUE(post("data/a", body).ok);
    }
  }
  std::string value(int version) {
    const Outcome found =
        read("data/a", "{\"version\":" + std::to_string(version) + "}");
    return found.status() == 404 ? "gone" : found.at("/data/n");
  }
};

TEST_F(KvVersions, DeleteAndUndelete) {
  EXPECT_TRUE(is_none(remove("data/a")));
  EXPECT_TRUE(is_none(remove("data/a")));
  EXPECT_EQ(value(3), "gone");
  EXPECT_TRUE(is_none(post("delete/a", R"({"versions":[1,9]})")));
  EXPECT_EQ(value(1), "gone");
  EXPECT_EQ(value(2), "2");
  EXPECT_TRUE(is_none(post("undelete/a", R"({"versions":"1,3"})")));
  EXPECT_EQ(value(1), "1");
  EXPECT_EQ(value(3), "3");
}

TEST_F(KvVersions, DestroyIsForGood) {
  EXPECT_TRUE(is_none(post("destroy/a", R"({"versions":[2]})")));
  EXPECT_TRUE(is_none(post("undelete/a", R"({"versions":[2]})")));
  EXPECT_EQ(value(2), "gone");
  EXPECT_EQ(read("data/a", R"({"version":2})").at("/metadata/destroyed"),
            "true");
  // Two bodies, and the list of what they are under.
  EXPECT_EQ(view_.scan("body/").value().size(), 3U);
  EXPECT_THAT(problems(), testing::IsEmpty());
  EXPECT_EQ(backend_->uses(records_.active()).value(), 1U);
  EXPECT_TRUE(is_none(post("destroy/a", R"({"versions":[1,3]})")));
  EXPECT_EQ(backend_->uses(records_.active()).value(), 0U);
  EXPECT_THAT(view_.scan("body/").value(), testing::IsEmpty());
}

TEST_F(KvVersions, NeedNumbersAndPassOverWhatIsNotThere) {
  EXPECT_EQ(post("delete/a", "{}").error, "No version number provided");
  EXPECT_EQ(post("undelete/a", "{}").error, "No version number provided");
  EXPECT_EQ(post("destroy/a", "{}").error, "no version number provided");
  for (const auto* path : {"delete/none", "undelete/none", "destroy/none"}) {
    EXPECT_TRUE(is_none(post(path, R"({"versions":[1]})")));
  }
  EXPECT_TRUE(is_none(read("metadata/none")));
}

}  // namespace
}  // namespace bulla::engine::kv
