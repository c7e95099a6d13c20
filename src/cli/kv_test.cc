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

}  // namespace
}  // namespace bulla::cli
