#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_fixture.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kV2 =
    R"({"data":{"path":"secret/","options":{"version":"2"}}})";
constexpr std::string_view kV1 = R"({"data":{"path":"old/","options":null}})";
constexpr std::string_view kAsked = "GET sys/internal/ui/mounts/";

std::string asked(std::string_view path) {
  return std::string(kAsked) + std::string(path);
}

TEST_F(Commands, KvPathsAreThoseOfTheMountsVersion) {
  host_.answer(200, std::string(kV2));
  host_.answer(200, R"({"data":{"data":{"k":"v"},"metadata":{}}})");
  EXPECT_THAT(
      sent({"kv", "get", "-version=2", "secret/a/b"}),
      ElementsAre(asked("secret/a/b"), "GET secret/data/a/b?version=2"));
  EXPECT_THAT(printed(), HasSubstr("k      v"));
  host_.answer(200, std::string(kV1));
  host_.answer(200, R"({"data":{"k":"v"}})");
  EXPECT_THAT(sent({"kv", "get", "-mount=old", "a"}),
              ElementsAre(asked("old/a"), "GET old/a"));
  host_.answer(200, std::string(kV1));
  EXPECT_THAT(sent({"kv", "destroy", "-versions=1", "old/a"}, 1),
              ElementsAre(asked("old/a")));
}

TEST_F(Commands, KvWritesAreWrappedWhereVersionsAre) {
  host_.answer(200, std::string(kV2));
  host_.answer(200, R"({"data":{"version":1}})");
  EXPECT_THAT(
      sent({"kv", "put", "-cas=0", "secret/a", "k=v"}),
      ElementsAre(
          asked("secret/a"),
          R"(PUT secret/data/a {"data":{"k":"v"},"options":{"cas":0}})"));
  host_.answer(200, std::string(kV1));
  host_.answer(204, "");
  EXPECT_THAT(sent({"kv", "put", "old/a", "k=v"}),
              ElementsAre(asked("old/a"), R"(PUT old/a {"k":"v"})"));
  host_.answer(200, std::string(kV2));
  host_.answer(204, "");
  EXPECT_THAT(sent({"kv", "undelete", "-versions=1,2", "secret/a"}),
              ElementsAre(asked("secret/a"),
                          R"(PUT secret/undelete/a {"versions":"1,2"})"));
}

TEST_F(Commands, KvPatchReadsAndWritesWhereItMayNotPatch) {
  constexpr std::string_view kMerge = R"(PATCH secret/data/a )"
                                      R"({"data":{"k":"v","x":null},)"
                                      R"("options":{}})";
  host_.answer(200, std::string(kV2));
  host_.answer(403, R"({"errors":["permission denied"]})");
  host_.answer(200, R"({"data":{"data":{"k":"old","x":1,"y":2},)"
                    R"("metadata":{"version":7}}})");
  host_.answer(200, R"({"data":{"version":8}})");
  EXPECT_THAT(
      sent({"kv", "patch", "-remove-data=x", "secret/a", "k=v"}),
      ElementsAre(asked("secret/a"), std::string(kMerge), "GET secret/data/a",
                  R"(PUT secret/data/a {"data":{"k":"v","y":2},)"
                  R"("options":{"cas":7}})"));
  host_.answer(200, std::string(kV2));
  host_.answer(403, R"({"errors":["permission denied"]})");
  EXPECT_THAT(sent({"kv", "patch", "-method=patch", "-remove-data=x",
                    "secret/a", "k=v"},
                   2),
              ElementsAre(asked("secret/a"), std::string(kMerge)));
}

TEST_F(Commands, KvRollbackWritesAnOldVersionAnew) {
  host_.answer(200, std::string(kV2));
  host_.answer(404, R"({"data":{"data":null,"metadata":{"version":3}}})");
  host_.answer(200,
               R"({"data":{"data":{"k":"one"},"metadata":{"version":1}}})");
  host_.answer(200, R"({"data":{"version":4}})");
  EXPECT_THAT(
      sent({"kv", "rollback", "-version=1", "secret/a"}),
      ElementsAre(
          asked("secret/a"), "GET secret/data/a", "GET secret/data/a?version=1",
          R"(PUT secret/data/a {"data":{"k":"one"},"options":{"cas":3}})"));
}

}  // namespace
}  // namespace bulla::cli
