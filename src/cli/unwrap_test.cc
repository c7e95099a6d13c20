#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_fixture.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto kKept = R"({"request_id":"r","data":{"a":"kept"}})";

class Unwrap : public Commands {};

TEST_F(Unwrap, NamesTheTokenBesideTheCallersOwn) {
  host_.variables["BULLA_TOKEN"] = "s.mine";
  host_.answer(200, kKept);
  EXPECT_THAT(sent({"unwrap", "s.wrapping"}),
              ElementsAre(R"(PUT sys/wrapping/unwrap {"token":"s.wrapping"})"));
  EXPECT_THAT(printed(), HasSubstr("kept"));
}

TEST_F(Unwrap, TheTokenMayStandOnStandardInput) {
  host_.variables["BULLA_TOKEN"] = "s.mine";
  host_.console.input = "s.wrapping\n";
  host_.answer(200, kKept);
  EXPECT_THAT(sent({"unwrap", "-field=a", "-"}),
              ElementsAre(R"(PUT sys/wrapping/unwrap {"token":"s.wrapping"})"));
  EXPECT_EQ(printed(), "kept");
}

TEST_F(Unwrap, WithoutATokenOfOnesOwnTheWrappingTokenAsks) {
  host_.answer(200, kKept);
  EXPECT_THAT(sent({"unwrap", "s.wrapping"}),
              ElementsAre("PUT sys/wrapping/unwrap {}"));
}

TEST_F(Unwrap, WithoutAnArgumentThePresentTokenIsMeant) {
  host_.variables["BULLA_TOKEN"] = "s.wrapping";
  host_.answer(200, kKept);
  EXPECT_THAT(sent({"unwrap"}), ElementsAre("PUT sys/wrapping/unwrap {}"));
}

TEST_F(Unwrap, ARefusedTokenIsNotPrinted) {
  host_.variables["BULLA_TOKEN"] = "s.mine";
  host_.answer(400, R"({"errors":["wrapping token is not valid or does not )"
                    R"(exist: s.wrapping"]})");
  sent({"unwrap", "s.wrapping"}, 2);
  EXPECT_THAT(
      host_.console.complained,
      testing::AllOf(HasSubstr("Error unwrapping"), HasSubstr("not valid"),
                     Not(HasSubstr("s.wrapping"))));
}

// Whatever a command does with answers otherwise: the token is not lost.
TEST_F(Unwrap, EveryCommandPrintsTheTokenOfAWrappedAnswer) {
  host_.variables["BULLA_TOKEN"] = "s.mine";
  const std::vector<std::vector<std::string>> commands = {
      {"read", "a"},
      {"list", "a"},
      {"write", "a", "b=c"},
      {"delete", "a"},
      {"policy", "list"},
      {"policy", "read", "p"},
      {"secrets", "list"},
      {"auth", "list"},
      {"audit", "list"},
      {"token", "create"},
      {"token", "lookup"},
      {"token", "capabilities", "a"},
      {"operator", "key-status"},
      {"passkey", "list"},
      {"kek", "status"},
      {"login", "-method=userpass", "username=u", "password=p"},
      {"unwrap", "s.wrapping"}};
  for (auto command : commands) {
    command.push_back("-wrap-ttl=60");
    host_.answer(200, R"({"request_id":"","data":null,"wrap_info":)"
                      R"({"token":"s.kept","accessor":"a","ttl":60}})");
    sent(command);
    EXPECT_THAT(printed(), HasSubstr("wrapping_token:")) << command[0];
    EXPECT_THAT(printed(), HasSubstr("s.kept")) << command[0];
  }
}

}  // namespace
}  // namespace bulla::cli
