#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::AllOf;
using testing::HasSubstr;

class SysRemount : public SysFixture {
 protected:
  void SetUp() override {
    open();
    ASSERT_TRUE(is_none(
        call(Operation::kUpdate, "mounts/a", R"({"type":"fake"})", root_)));
    ASSERT_TRUE(is_none(
        call(Operation::kUpdate, "auth/a", R"({"type":"fakeauth"})", root_)));
  }
  Result<api::Response> move(std::string_view from, std::string_view to) {
    return call(Operation::kUpdate, "remount",
                "{\"from\":\"" + std::string(from) + "\",\"to\":\"" +
                    std::string(to) + "\"}",
                root_);
  }
};

TEST_F(SysRemount, MovesAndTellsSo) {
  const auto moved = move("a", "b/c/");
  ASSERT_TRUE(moved);
  EXPECT_TRUE(moved->duplicate_at_top);
  EXPECT_TRUE(route("remount")->sudo);
  EXPECT_TRUE(core_->mounts().at("b/c/"));
  EXPECT_FALSE(core_->mounts().at("a/"));
  JsonParser parser;
  const auto json = parse_json(parser, moved->data);
  std::string_view id;
  ASSERT_FALSE(json->at_key("migration_id").get(id));
  const std::string kept(id);
  EXPECT_THAT(data(call(Operation::kRead, "remount/status/" + kept, {}, root_)),
              AllOf(HasSubstr(R"("source_mount":"a/")"),
                    HasSubstr(R"("status":"success")"),
                    HasSubstr(R"("target_mount":"b/c/")")));
  EXPECT_TRUE(
      is_none(call(Operation::kRead, "remount/status/none", {}, root_)));
}

TEST_F(SysRemount, TellsTheEngine) {
  const auto backend = core_->mounts().at("a/")->backend;
  const auto& engine = dynamic_cast<const FakeEngine&>(*backend);
  ASSERT_TRUE(move("a", "b"));
  EXPECT_EQ(engine.path(), "b/");
  EXPECT_FALSE(engine.stopped());
  ASSERT_TRUE(core_->mounts().unmount("b/"));
  EXPECT_TRUE(engine.stopped());
}

TEST_F(SysRemount, RefusesWhatIsNoMove) {
  EXPECT_FALSE(move("none", "b"));
  EXPECT_FALSE(move("", "b"));
  EXPECT_FALSE(move("a", ""));
  EXPECT_FALSE(move("sys", "b"));
  EXPECT_FALSE(move("a", "sys/b"));
  EXPECT_FALSE(move("a", "auth/b"));
  EXPECT_FALSE(move("auth/a", "b"));
  EXPECT_FALSE(move("auth/token", "auth/b"));
  for (const auto* reserved : {"sys/b", "auth/b", "cubbyhole", "identity"}) {
    EXPECT_EQ(error(move("a", reserved)),
              std::string("cannot remount to destination ") + reserved + "/");
  }
  EXPECT_EQ(error(move("a", "a/b")), "path already in use at \"a/\"");
  // Nobody could ask for these, but policies would have to judge them.
  for (const auto* unclean : {"../b", "b/../c", "./b", "b//c", "b\\u0000c"}) {
    EXPECT_FALSE(move("a", unclean)) << unclean;
  }
  EXPECT_TRUE(core_->mounts().at("a/"));
  EXPECT_TRUE(core_->mounts().at("auth/a/"));
  EXPECT_TRUE(move("auth/a", "auth/b"));
}

}  // namespace
}  // namespace bulla::server
