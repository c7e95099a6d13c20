#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/fake_host.h"

namespace bulla::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(Progress, LinesWhereThereIsNoTerminal) {
  FakeConsole console;
  {
    Progress progress(console, 2);
    progress.begin("a");
    progress.end("a", "moved");
    progress.begin("b");
    progress.end("b\x1b", "not moved");
  }
  EXPECT_EQ(console.complained, "[1/2] a: moved\n[2/2] b\\x1b: not moved\n");
}

TEST(Progress, ABarOnATerminal) {
  FakeConsole console;
  console.terminal = true;
  {
    Progress progress(console, 2);
    progress.begin("a");
    EXPECT_THAT(console.complained,
                EndsWith("[" + std::string(30, ' ') + "] 0/2 a"));
    progress.end("a", "moved");
    EXPECT_THAT(console.complained, EndsWith("[" + std::string(15, '#') +
                                             std::string(15, ' ') + "] 1/2 a"));
    EXPECT_THAT(console.complained, Not(HasSubstr("\n")));
  }
  EXPECT_THAT(console.complained, EndsWith("\r\x1b[2K"));
}

TEST(Progress, OfThingsWithoutNames) {
  FakeConsole console;
  Progress(console, 4).reach(2, "7/s");
  EXPECT_EQ(console.complained, "[2/4] 7/s\n");
  console.terminal = true;
  Progress bar(console, 4);
  bar.reach(1, "7/s");
  EXPECT_THAT(console.complained, EndsWith("[" + std::string(7, '#') +
                                           std::string(23, ' ') + "] 1/4 7/s"));
  bar.reach(9, "7/s");
  EXPECT_THAT(console.complained,
              EndsWith("[" + std::string(30, '#') + "] 9/4 7/s"));
}

}  // namespace
}  // namespace bulla::cli
