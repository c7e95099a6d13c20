#include "audit/broker.h"

#include <gmock/gmock.h>

#include "audit/audit_fixture.h"

namespace bulla::audit {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using BrokerTest = AuditTest;

TEST_F(BrokerTest, EnablingWritesATestLine) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  const auto written = lines(file("a"));
  ASSERT_EQ(written.size(), 1U);
  EXPECT_THAT(written[0], StartsWith(R"({"time":"2026-01-02T03:04:05.678Z",)"
                                     R"("type":"request","request":{"id":")"));
  EXPECT_THAT(written[0], HasSubstr(R"("path":"sys/audit/test")"));
}

TEST_F(BrokerTest, AFullDiskRefusesTheDevice) {
  const auto enabled = broker_.enable(file_config("file", "/dev/full"));
  EXPECT_THAT(error_of(enabled), HasSubstr("failed its test line"));
  EXPECT_TRUE(broker_.list().empty());
  EXPECT_TRUE(broker_.devices().load()->empty());
}

TEST_F(BrokerTest, PathsAreTakenOnce) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  for (const char* path : {"file", "file/", "/file", "file/sub"}) {
    EXPECT_EQ(error_of(broker_.enable(file_config(path, file("b")))),
              "path already in use")
        << path;
  }
  EXPECT_FALSE(std::filesystem::exists(file("b")));
  EXPECT_FALSE(broker_.enable(file_config("", file("b"))));
  EXPECT_FALSE(broker_.enable(file_config("/", file("b"))));
  EXPECT_TRUE(broker_.enable(file_config("file2", file("b"))));
}

TEST_F(BrokerTest, OnlyKnownTypes) {
  DeviceConfig config = file_config("x", file("a"));
  config.type = "socket";
  EXPECT_EQ(error_of(broker_.enable(config)),
            "unknown backend type: \"socket\": use \"file\"");
}

TEST_F(BrokerTest, DevicesComeBackWithTheirSalt) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  const auto before = broker_.hash("file", "x");
  ASSERT_TRUE(before);
  EXPECT_THAT(*before, StartsWith("hmac-sha256:"));

  broker_.clear();
  EXPECT_TRUE(broker_.devices().load()->empty());
  ASSERT_TRUE(broker_.load());
  EXPECT_EQ(broker_.hash("file/", "x").value(), *before);

  Broker other(view_, rng_, clock_, log_);
  ASSERT_TRUE(other.load());
  ASSERT_EQ(other.list().size(), 1U);
  EXPECT_EQ(other.list()[0].options.at("file_path"), file("a"));
  EXPECT_EQ(other.hash("file/", "x").value(), *before);
}

TEST_F(BrokerTest, DisablingForgetsTheSalt) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  const std::string before = broker_.hash("file", "x").value();
  ASSERT_TRUE(broker_.disable("file"));
  ASSERT_TRUE(broker_.disable("file"));
  EXPECT_EQ(broker_.hash("file", "x").error().message(),
            "unknown audit backend \"file/\"");
  EXPECT_TRUE(view_.list("salts/").value().empty());
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  EXPECT_NE(broker_.hash("file", "x").value(), before);
}

TEST_F(BrokerTest, LoadingRefusesWhatItCannotOpen) {
  std::filesystem::create_directory(file("d"));
  ASSERT_TRUE(broker_.enable(file_config("file", file("d/a"))));
  std::filesystem::remove_all(file("d"));
  Broker other(view_, rng_, clock_, log_);
  EXPECT_THAT(error_of(other.load()), HasSubstr("cannot open audit file"));
}

TEST_F(BrokerTest, LoadingRefusesALostSalt) {
  ASSERT_TRUE(broker_.enable(file_config("file", file("a"))));
  ASSERT_TRUE(view_.remove("salts/file"));
  const auto loaded = broker_.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::kCorrupt);
}

TEST_F(BrokerTest, NothingIsEnabledThatCannotBeStored) {
  barrier_.seal();
  const auto enabled = broker_.enable(file_config("file", file("a")));
  ASSERT_FALSE(enabled);
  EXPECT_EQ(enabled.error().code(), ErrorCode::kSealed);
  EXPECT_TRUE(broker_.list().empty());
}

TEST_F(BrokerTest, ReopensEveryDeviceAndNamesAFailure) {
  std::filesystem::create_directory(file("d"));
  ASSERT_TRUE(broker_.enable(file_config("bad", file("d/a"))));
  ASSERT_TRUE(broker_.enable(file_config("good", file("b"))));
  std::filesystem::remove_all(file("d"));
  std::filesystem::remove(file("b"));
  EXPECT_THAT(error_of(broker_.reopen()), HasSubstr("d/a"));
  EXPECT_TRUE(std::filesystem::exists(file("b")));
}

}  // namespace
}  // namespace bulla::audit
