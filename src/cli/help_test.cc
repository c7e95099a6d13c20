#include "cli/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cli/fake_host.h"

namespace bulla::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Help, OverviewNamesEveryTopCommand) {
  FakeHost host;
  EXPECT_EQ(host.run({}), 1);
  EXPECT_EQ(host.run({"-h"}), 0);
  for (const auto& row : all_commands()) {
    if (!is_listed_below(row, "")) continue;
    EXPECT_THAT(host.console.printed, HasSubstr(std::string(row.path)));
  }
  EXPECT_THAT(host.console.printed, Not(HasSubstr("roff")));
}

TEST(Help, EveryCommandExplainsItself) {
  for (const auto& row : all_commands()) {
    const std::string text = help_text(row);
    EXPECT_THAT(text, HasSubstr(usage_line(row)));
    for (const auto& flag : row.flags) {
      EXPECT_THAT(text, HasSubstr(flag_usage(flag))) << row.path;
    }
    const bool remote = row.kind == CommandKind::kRemote;
    EXPECT_EQ(text.find("-ca-cert") != std::string::npos, remote) << row.path;
  }
}

TEST(Help, RowsAreComplete) {
  std::set<std::string_view> paths;
  for (const auto& row : all_commands()) {
    EXPECT_TRUE(paths.insert(row.path).second) << row.path;
    EXPECT_FALSE(row.synopsis.empty() || row.details.empty()) << row.path;
    EXPECT_EQ(row.run == nullptr, row.kind == CommandKind::kGroup) << row.path;
    EXPECT_EQ(row.synopsis.find('\''), std::string_view::npos) << row.path;
    const auto space = row.path.find(' ');
    if (space == std::string_view::npos) continue;
    EXPECT_EQ(paths.count(row.path.substr(0, space)), 1U) << row.path;
  }
}

TEST(Help, NoFlagHidesAGlobalOne) {
  for (const auto& row : all_commands()) {
    if (row.kind != CommandKind::kRemote) continue;  // They have no others.
    for (const auto& flag : row.flags) {
      for (const auto& global : global_flags()) {
        EXPECT_NE(flag.name, global.name) << row.path;
        EXPECT_NE(flag.alias, "h") << row.path;
      }
    }
  }
}

TEST(Help, ExamplesAreCommands) {
  for (const auto& row : all_commands()) {
    for (const auto& example : row.examples) {
      EXPECT_THAT(std::string(example.command),
                  HasSubstr("bulla " + std::string(row.path)));
    }
  }
}

TEST(Help, AskedForIsDoneAndBareGroupsAreNot) {
  FakeHost host;
  EXPECT_EQ(host.run({"operator", "init", "-h"}), 0);
  EXPECT_THAT(host.console.printed, HasSubstr("-key-shares=<N>"));
  EXPECT_EQ(host.run({"operator"}), 1);
  EXPECT_THAT(host.console.printed, HasSubstr("unseal"));
  EXPECT_EQ(host.run({"help", "operator", "init"}), 0);
  EXPECT_THAT(host.console.printed, HasSubstr("-key-shares=<N>"));
  EXPECT_EQ(host.run({"help", "nothing"}), 1);
}

TEST(Help, LinesAreFilled) {
  EXPECT_EQ(fill("a bb ccc\n\nd", 2, 8), "  a bb\n  ccc\n\n  d\n");
}

TEST(Man, PagesAreRoff) {
  FakeHost host;
  EXPECT_EQ(host.run({"man", "operator", "init"}), 0);
  EXPECT_THAT(host.console.printed, HasSubstr(".TH BULLA\\-OPERATOR\\-INIT 1"));
  EXPECT_THAT(host.console.printed, HasSubstr("\\-key\\-shares=<N>"));
  EXPECT_EQ(host.run({"man"}), 0);
  EXPECT_THAT(host.console.printed, HasSubstr(".SH EXIT STATUS"));
  EXPECT_EQ(host.run({"man", "nothing"}), 1);
}

TEST(Completion, ScriptsNameCommandsAndFlags) {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell);
    EXPECT_THAT(script, HasSubstr("key-shares")) << shell;
    EXPECT_THAT(script, HasSubstr("unseal")) << shell;
    EXPECT_THAT(script, Not(HasSubstr("roff"))) << shell;
  }
  EXPECT_EQ(completion_script("tcsh"), "");
}

}  // namespace
}  // namespace bulla::cli
