#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace bulla {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string made =
        (std::filesystem::temp_directory_path() / "file.XXXXXX").string();
    directory_ = ::mkdtemp(made.data());
  }
  ~FileTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(FileTest, ReadsAndWritesAtPlaces) {
  const std::string path = directory_ + "/a";
  auto file = File::create(path).value();
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ASSERT_TRUE(file.write_at(3, as_bytes("def")));
  ASSERT_TRUE(file.write_at(0, as_bytes("abc")));
  ASSERT_TRUE(file.sync());
  EXPECT_EQ(file.size().value(), 6U);
  std::array<std::uint8_t, 10> bytes{};
  const auto same = File::open(path).value();
  EXPECT_EQ(same.read_at(2, bytes).value(), 4U);
  EXPECT_EQ(as_text(ByteView(bytes).first(4)), "cdef");
  EXPECT_EQ(same.read_at(6, bytes).value(), 0U);
  EXPECT_FALSE(File::create(path));
  file.unlink();
  EXPECT_EQ(File::open(path).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(file.read_at(0, bytes).value(), 6U);
}

TEST_F(FileTest, NamesWhatItCannotUse) {
  const auto missing = File::create(directory_ + "/no/a");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(missing.error().message().find(directory_), std::string::npos);
  const auto directory = File::open(directory_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code(), ErrorCode::kUnavailable);
  const auto full = File::open("/dev/full");
  ASSERT_FALSE(full);
}

}  // namespace
}  // namespace bulla
