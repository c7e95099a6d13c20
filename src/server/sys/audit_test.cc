#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"
#include "storage/temp_dir.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::HasSubstr;
using testing::StartsWith;

class SysAudit : public SysFixture {
 protected:
  void SetUp() override { open(); }
  Result<api::Response> enable(std::string_view path,
                               const std::string& target) {
    return call(Operation::kUpdate, "audit/" + std::string(path),
                R"({"type":"file","description":"d","options":{"file_path":")" +
                    target + "\"}}",
                root_);
  }
  storage::TempDir directory_;
};

TEST_F(SysAudit, EnablesListsHashesDisables) {
  EXPECT_EQ(data(call(Operation::kRead, "audit", {}, root_)), "{}");
  const std::string target = directory_.path() + "/audit.log";
  EXPECT_TRUE(is_none(enable("file", target)));
  const auto listed = call(Operation::kRead, "audit", {}, root_);
  EXPECT_TRUE(listed->duplicate_at_top);
  EXPECT_EQ(data(listed),
            R"({"file/":{"description":"d","local":false,"options":{)"
            R"("file_path":")" +
                target + R"("},"path":"file/","type":"file"}})");
  const auto hashed =
      call(Operation::kUpdate, "audit-hash/file", R"({"input":"x"})", root_);
  EXPECT_TRUE(hashed->duplicate_at_top);
  EXPECT_THAT(data(hashed), StartsWith(R"({"hash":"hmac-sha256:)"));
  EXPECT_EQ(error(enable("file", target)), "path already in use");
  EXPECT_TRUE(is_none(call(Operation::kDelete, "audit/file", {}, root_)));
  EXPECT_TRUE(is_none(call(Operation::kDelete, "audit/file", {}, root_)));
  EXPECT_EQ(data(call(Operation::kRead, "audit", {}, root_)), "{}");
}

TEST_F(SysAudit, SurvivesARestart) {
  ASSERT_TRUE(is_none(enable("file", directory_.path() + "/audit.log")));
  rebuild();
  unseal();
  EXPECT_EQ(core_->audit().list().size(), 1U);
}

TEST_F(SysAudit, RefusesInTheReferencesWords) {
  EXPECT_EQ(error(call(Operation::kUpdate, "audit-hash/x", R"({"input":"y"})",
                       root_)),
            "unknown audit backend \"x/\"");
  EXPECT_EQ(error(call(Operation::kUpdate, "audit-hash/x", "{}", root_)),
            "the \"input\" parameter is empty");
  EXPECT_THAT(error(enable("full", "/dev/full")), HasSubstr("test line"));
  EXPECT_THAT(error(enable("dir", directory_.path())),
              HasSubstr("cannot open audit file"));
  EXPECT_FALSE(call(Operation::kUpdate, "audit/x", "{}", root_));
  config_.unsafe_allow_api_audit_creation = false;
  EXPECT_EQ(error(enable("file", directory_.path() + "/a")),
            "cannot enable audit device via API; use declarative, config-based "
            "audit device management instead");
}

TEST_F(SysAudit, NeedsSudo) {
  EXPECT_TRUE(route("audit")->sudo);
  EXPECT_TRUE(route("audit/x")->sudo);
  EXPECT_FALSE(route("audit-hash/x")->sudo);
}

}  // namespace
}  // namespace bulla::server
