#include "cli/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "cli/fake_host.h"

namespace bulla::cli {
namespace {

class TokenFiles : public testing::Test {
 protected:
  TokenFiles()
      : file_([this](const std::string& name) -> std::optional<std::string> {
          if (name == "HOME") return host_.home.string();
          return std::nullopt;
        }) {}

  std::string content() const {
    const auto token = file_.read();
    return token ? to_text(token->expose()) : "error";
  }
  static SecretBytes token(std::string_view text) {
    return SecretBytes::copy_of(as_bytes(text));
  }

  FakeHost host_;
  TokenFile file_;
};

TEST_F(TokenFiles, NoFileIsNoToken) { EXPECT_EQ(content(), ""); }

TEST_F(TokenFiles, OnlyItsOwnerReadsIt) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(file_.write(token("hvs.secret")).has_value());
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat(file_.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_EQ(content(), "hvs.secret");
}

TEST_F(TokenFiles, ReplacesWhatWasThereEvenIfReadableByAll) {
  std::ofstream(file_.path()) << "old token, and longer\n";
  ::chmod(file_.path().c_str(), 0644);
  ASSERT_TRUE(file_.write(token("new")).has_value());
  struct stat info {};
  ASSERT_EQ(::stat(file_.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_EQ(content(), "new");
}

TEST_F(TokenFiles, LeavesNothingBesideIt) {
  ASSERT_TRUE(file_.write(token("one")).has_value());
  ASSERT_TRUE(file_.write(token("two")).has_value());
  const std::filesystem::directory_iterator entries(host_.home);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(TokenFiles, WhiteSpaceAroundIsNoPart) {
  std::ofstream(file_.path()) << "  hvs.x \n";
  EXPECT_EQ(content(), "hvs.x");
  std::ofstream(file_.path()) << " \n";
  EXPECT_EQ(content(), "");
}

TEST_F(TokenFiles, RefusesWhatIsNoToken) {
  std::ofstream(file_.path()) << "two words";
  EXPECT_EQ(content(), "error");
  std::ofstream(file_.path()) << std::string(9000, 'a');
  EXPECT_EQ(content(), "error");
  std::filesystem::remove(file_.path());
  std::filesystem::create_directory(file_.path());
  EXPECT_EQ(content(), "error");
}

TEST_F(TokenFiles, NoHomeNoFile) {
  const TokenFile homeless([](const std::string&) { return std::nullopt; });
  EXPECT_TRUE(homeless.read()->empty());
  EXPECT_FALSE(homeless.write(token("x")).has_value());
}

TEST_F(TokenFiles, RemovesIt) {
  ASSERT_TRUE(file_.write(token("x")).has_value());
  EXPECT_TRUE(file_.remove().has_value());
  EXPECT_TRUE(file_.remove().has_value());
  EXPECT_EQ(content(), "");
}

}  // namespace
}  // namespace bulla::cli
