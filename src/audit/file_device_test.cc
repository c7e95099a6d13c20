#include "audit/file_device.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include "audit/audit_fixture.h"

namespace bulla::audit {
namespace {

using testing::HasSubstr;

class FileDeviceTest : public AuditTest {
 protected:
  Result<std::shared_ptr<Device>> open(
      std::map<std::string, std::string> options) {
    return FileDevice::open(
        {.path = "file/", .type = "file", .options = std::move(options)},
        "salt", log_);
  }
  std::string refusal(std::map<std::string, std::string> options) {
    const auto device = open(std::move(options));
    EXPECT_FALSE(device);
    if (device) return "";
    EXPECT_EQ(device.error().code(), ErrorCode::kInvalidArgument);
    return device.error().message();
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
};

TEST_F(FileDeviceTest, AppendsWithItsMode) {
  {
    const auto device = open({{"file_path", file("a")}});
    ASSERT_TRUE(device);
    EXPECT_TRUE((*device)->write("one\n"));
  }
  EXPECT_EQ(mode_of(file("a")), 0600U);
  const auto device = open({{"path", file("a")}, {"mode", "0640"}});
  ASSERT_TRUE(device);
  EXPECT_TRUE((*device)->write("two\n"));
  EXPECT_EQ(read(file("a")), "one\ntwo\n");
  EXPECT_EQ(mode_of(file("a")), 0640U);
}

TEST_F(FileDeviceTest, ModeZeroKeepsTheFilesOwn) {
  std::ofstream(file("a")) << "";
  ASSERT_EQ(::chmod(file("a").c_str(), 0604), 0);
  ASSERT_TRUE(open({{"file_path", file("a")}, {"mode", "0000"}}));
  EXPECT_EQ(mode_of(file("a")), 0604U);
  ASSERT_EQ(::chmod(file("a").c_str(), 0700), 0);
  EXPECT_THAT(refusal({{"file_path", file("a")}, {"mode", "0000"}}),
              HasSubstr("executable"));
}

TEST_F(FileDeviceTest, RefusesBadOptions) {
  const std::string path = file("a");
  EXPECT_THAT(refusal({}), HasSubstr("\"file_path\" is required"));
  for (const char* mode :
       {"0700", "0611", "777", "1", "0x1", "9", "", "10777", "-1", "4600"}) {
    EXPECT_THAT(refusal({{"file_path", path}, {"mode", mode}}),
                HasSubstr("\"mode\" must"))
        << mode;
  }
  EXPECT_THAT(refusal({{"file_path", path}, {"format", "jsonx"}}),
              HasSubstr("must be \"json\""));
  EXPECT_THAT(refusal({{"file_path", path}, {"prefix", "#!"}}),
              HasSubstr("\"prefix\" is not supported"));
  EXPECT_THAT(refusal({{"file_path", path}, {"log_raw", "maybe"}}),
              HasSubstr("\"log_raw\" must be"));
  EXPECT_THAT(refusal({{"file_path", path}, {"nonsense", "1"}}),
              HasSubstr("no option \"nonsense\""));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(FileDeviceTest, RefusesWhatIsNoFile) {
  EXPECT_THAT(refusal({{"file_path", directory_}}), HasSubstr("cannot open"));
  EXPECT_THAT(refusal({{"file_path", file("no/such")}}),
              HasSubstr("No such file"));
  ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(refusal({{"file_path", file("fifo")}}), HasSubstr("cannot open"));
  const int reader = ::open(file("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_THAT(refusal({{"file_path", file("fifo")}}),
              HasSubstr("not a regular file"));
  ::close(reader);
}

TEST_F(FileDeviceTest, DiscardTakesAll) {
  const auto device = open({{"file_path", "discard"}});
  ASSERT_TRUE(device);
  EXPECT_TRUE((*device)->write("x\n"));
  EXPECT_TRUE((*device)->reopen());
  EXPECT_FALSE(std::filesystem::exists("discard"));
}

TEST_F(FileDeviceTest, AFullDiskIsSeen) {
  const auto device = open({{"file_path", "/dev/full"}});
  ASSERT_TRUE(device);
  EXPECT_FALSE((*device)->write("x\n"));
}

TEST_F(FileDeviceTest, ATornLineEndsBeforeTheNext) {
  const auto opened = open({{"file_path", file("a")}});
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)->write("0123456\n"));
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{12, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const bool cut = (*opened)->write("abcdefgh\n");
  const bool none = (*opened)->write("ijkl\n");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(cut);
  EXPECT_FALSE(none);
  EXPECT_EQ(read(file("a")), "0123456\nabcd");
  EXPECT_TRUE((*opened)->write("whole\n"));
  EXPECT_EQ(read(file("a")), "0123456\nabcd\nwhole\n");
}

TEST_F(FileDeviceTest, ATornFileIsMendedWhenOpened) {
  std::ofstream(file("a")) << "half";
  const auto device = open({{"file_path", file("a")}});
  ASSERT_TRUE(device);
  EXPECT_TRUE((*device)->write("whole\n"));
  EXPECT_EQ(read(file("a")), "half\nwhole\n");
}

TEST_F(FileDeviceTest, ReopensAfterRotation) {
  const auto device = open({{"file_path", file("a")}});
  ASSERT_TRUE(device);
  EXPECT_TRUE((*device)->write("one\n"));
  std::filesystem::rename(file("a"), file("a.1"));
  EXPECT_TRUE((*device)->write("two\n"));
  ASSERT_TRUE((*device)->reopen());
  EXPECT_TRUE((*device)->write("three\n"));
  EXPECT_EQ(read(file("a.1")), "one\ntwo\n");
  EXPECT_EQ(read(file("a")), "three\n");
}

TEST_F(FileDeviceTest, AFailedReopenKeepsTheOldFile) {
  std::filesystem::create_directory(file("d"));
  const auto device = open({{"file_path", file("d/a")}});
  ASSERT_TRUE(device);
  std::filesystem::rename(file("d"), file("e"));
  EXPECT_FALSE((*device)->reopen());
  EXPECT_TRUE((*device)->write("still\n"));
  EXPECT_EQ(read(file("e/a")), "still\n");
}

TEST_F(FileDeviceTest, AClosedDescriptorFails) {
  const auto device = open({{"file_path", file("a")}});
  ASSERT_TRUE(device);
  auto& opened = static_cast<FileDevice&>(**device);
  const int elsewhere = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(elsewhere, opened.descriptor()), opened.descriptor());
  ::close(elsewhere);
  EXPECT_FALSE(opened.write("x\n"));
  ASSERT_TRUE(opened.reopen());
  EXPECT_TRUE(opened.write("y\n"));
  EXPECT_EQ(read(file("a")), "y\n");
}

}  // namespace
}  // namespace bulla::audit
