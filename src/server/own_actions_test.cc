// A transit key that rotates by itself, with real audit devices.

#include "server/own_actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/transit/transit.h"
#include "server/sys/sys_fixture.h"
#include "storage/temp_dir.h"

namespace bulla::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class OwnActionsTest : public SysFixture {
 protected:
  void SetUp() override {
    config_.fips_mode = true;
    rebuild();
    core_->mounts().add_factory(
        {"transit", false, [](const api::BackendContext& context) {
           return std::make_shared<engine::transit::TransitBackend>(context);
         }});
    open();
    api::MountConfig mount;
    mount.path = "transit/";
    mount.type = "transit";
    ASSERT_TRUE(core_->mounts().mount(mount));
    audit::DeviceConfig device{.path = "file/", .type = "file"};
    device.options["file_path"] = log_path();
    ASSERT_TRUE(core_->audit().enable(device));
    std::filesystem::resize_file(log_path(), 0);  // the device's test line
  }

  std::string log_path() const { return directory_.path() + "/audit.log"; }
  std::vector<std::string> lines() const {
    std::ifstream in(log_path());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  engine::transit::KeyStore& keys(std::string_view path = "transit/") {
    return dynamic_cast<engine::transit::TransitBackend&>(
               *core_->mounts().at(path)->backend)
        .keys();
  }
  void make_due_key() {
    engine::transit::KeyRecord wanted;
    wanted.auto_rotate_period = Seconds(3600);
    ASSERT_TRUE(keys().create("k", wanted, clock_.time));
    clock_.time += Seconds(7200);
  }

  storage::TempDir directory_;
};

TEST_F(OwnActionsTest, AreAuditedWhereTheMountIs) {
  make_due_key();
  ASSERT_TRUE(core_->mounts().remount("transit/", "moved/"));
  core_->tick();
  EXPECT_THAT(
      lines(),
      ElementsAre(AllOf(
          HasSubstr(R"("type":"request")"),
          HasSubstr(R"("operation":"update")"),
          HasSubstr(R"("mount_point":"moved/","mount_type":"transit")"),
          HasSubstr(R"("path":"moved/keys/k/rotate")"),
          HasSubstr(R"("data":{"automatic":true,"auto_rotate_period":3600,)"
                    R"("from_version":1})"),
          Not(HasSubstr("client_token")))));
  EXPECT_EQ(keys("moved/").find("k", true).value()->load()->latest().number(),
            2U);
}

TEST_F(OwnActionsTest, AreNotDoneWhenTheyCannotBeAudited) {
  make_due_key();
  // The device's file, wherever it is open, takes nothing more.
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry, error) != log_path()) continue;
    const int fd = std::stoi(entry.path().filename().string());
    ASSERT_EQ(::dup2(full, fd), fd);
  }
  ::close(full);
  core_->tick();
  EXPECT_EQ(keys().find("k", true).value()->load()->latest().number(), 1U);
}

TEST_F(OwnActionsTest, NeedNoAuditWhereThereIsNone) {
  make_due_key();
  ASSERT_TRUE(core_->audit().disable("file/"));
  core_->tick();
  EXPECT_EQ(keys().find("k", true).value()->load()->latest().number(), 2U);
}

TEST_F(OwnActionsTest, FipsModeReachesTheEngine) {
  engine::transit::KeyRecord wanted;
  wanted.type = engine::transit::KeyType::kChaCha20Poly1305;
  const auto made = keys().create("k", wanted, clock_.time);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(),
            "key type chacha20-poly1305 is not allowed in FIPS mode");
}

TEST_F(OwnActionsTest, CountsAreStoredAtTheSeal) {
  ASSERT_TRUE(keys().create("k", {}, clock_.time));
  {
    const auto key = keys().find("k", true).value()->load();
    EXPECT_EQ(key->latest().take_operations(7), 7U);
  }
  core_->seal();
  unseal();
  const auto key = keys().find("k", true).value()->load();
  EXPECT_THAT(keys().operations(*key, 1, 1).value(), ElementsAre(7U));
}

}  // namespace
}  // namespace bulla::server
