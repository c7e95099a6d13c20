#include <gmock/gmock.h>

#include "server/sys/sys_fixture.h"

namespace bulla::server {
namespace {

using api::Operation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SysMounts : public SysFixture {
 protected:
  void SetUp() override { open(); }
  Result<api::Response> mount(std::string_view path, std::string_view body) {
    return call(Operation::kUpdate, "mounts/" + std::string(path), body, root_);
  }
};

TEST_F(SysMounts, FreshServerHasItsOwn) {
  const auto listed = call(Operation::kRead, "mounts", {}, root_);
  EXPECT_TRUE(listed->duplicate_at_top);
  EXPECT_THAT(data(listed),
              AllOf(HasSubstr("\"cubbyhole/\":{"), HasSubstr("\"sys/\":{"),
                    HasSubstr("\"local\":true"), Not(HasSubstr("token"))));
  // What is part of the server has neither options nor a state of its own.
  EXPECT_THAT(data(listed), AllOf(HasSubstr(R"("options":null)"),
                                  Not(HasSubstr("deprecation_status"))));
  ASSERT_TRUE(is_none(mount("a", R"({"type":"fake"})")));
  EXPECT_THAT(data(call(Operation::kRead, "mounts/a", {}, root_)),
              AllOf(HasSubstr(R"("deprecation_status":"supported")"),
                    HasSubstr(R"("options":{})")));
}

TEST_F(SysMounts, MountsReadsAndUnmounts) {
  EXPECT_TRUE(is_none(mount("a/b", R"({"type":"fake","description":"d",)"
                                   R"("config":{"default_lease_ttl":"1h",)"
                                   R"("max_lease_ttl":7200},)"
                                   R"("options":{"x":"y"},"local":true})")));
  const auto read = call(Operation::kRead, "mounts/a/b", {}, root_);
  EXPECT_TRUE(read->duplicate_at_top);
  EXPECT_THAT(
      data(read),
      AllOf(HasSubstr(R"("default_lease_ttl":3600)"),
            HasSubstr(R"("max_lease_ttl":7200)"),
            HasSubstr(R"("description":"d")"), HasSubstr(R"("local":true)"),
            HasSubstr(R"("options":{"x":"y"})"), HasSubstr(R"("uuid":")"),
            HasSubstr(R"("accessor":"fake_)"), HasSubstr(R"("type":"fake")")));
  EXPECT_EQ(data(call(Operation::kRead, "mounts/a/b/", {}, root_)), data(read));
  EXPECT_TRUE(is_none(call(Operation::kDelete, "mounts/a/b", {}, root_)));
  EXPECT_TRUE(is_none(call(Operation::kDelete, "mounts/a/b", {}, root_)));
  EXPECT_EQ(error(call(Operation::kRead, "mounts/a/b", {}, root_)),
            "No secret engine mount at a/b/");
}

TEST_F(SysMounts, RefusesInTheReferencesWords) {
  EXPECT_EQ(error(mount("a", "{}")),
            "backend type must be specified as a string");
  EXPECT_EQ(error(mount("a", R"({"type":"nope"})")),
            "plugin not found in the catalog: nope");
  EXPECT_EQ(error(mount("a", R"({"type":"plugin"})")),
            "plugin_name must be provided for plugin backend");
  EXPECT_EQ(error(mount("a", R"({"type":"system"})")),
            "mount type of \"system\" is not mountable");
  EXPECT_EQ(error(mount("sys", R"({"type":"fake"})")), "cannot mount \"sys/\"");
  EXPECT_EQ(error(mount("auth/x", R"({"type":"fake"})")),
            "cannot mount \"auth/x/\"");
  ASSERT_TRUE(is_none(mount("a", R"({"type":"fake"})")));
  EXPECT_EQ(error(mount("a", R"({"type":"fake"})")),
            "path is already in use at a/");
  EXPECT_EQ(error(mount("a/b", R"({"type":"fake"})")),
            "path is already in use at a/");
  ASSERT_TRUE(is_none(mount("b/c", R"({"type":"fake"})")));
  EXPECT_EQ(error(mount("b", R"({"type":"fake"})")),
            "path is already in use at b/c/");
  EXPECT_EQ(error(mount("c", R"({"type":"fake","options":{"version":"2"}})")),
            "secrets engine \"fake\" does not allow setting a version");
  EXPECT_EQ(error(call(Operation::kDelete, "mounts/identity", {}, root_)),
            "cannot unmount \"identity/\"");
  EXPECT_EQ(error(call(Operation::kDelete, "mounts/sys", {}, root_)),
            "cannot unmount \"sys/\"");
}

TEST_F(SysMounts, RefusesBadSettings) {
  EXPECT_EQ(error(mount("a", R"({"type":"fake","config":{)"
                             R"("default_lease_ttl":"2h",)"
                             R"("max_lease_ttl":"1h"}})")),
            "given default lease TTL greater than given max lease TTL");
  EXPECT_EQ(error(mount("a", R"({"type":"fake","config":{)"
                             R"("default_lease_ttl":"9999h"}})")),
            "given default lease TTL greater than system max lease TTL of "
            "2764800");
  EXPECT_THAT(error(mount("a", R"({"type":"fake","config":{)"
                               R"("default_lease_ttl":"soon"}})")),
              HasSubstr("unable to parse default TTL of soon"));
  EXPECT_EQ(error(mount("a", R"({"type":"fake","config":{)"
                             R"("listing_visibility":"loud"}})")),
            "invalid listing_visibility loud");
  EXPECT_FALSE(
      mount("a", R"({"type":"fake","config":{"token_type":"batch"}})"));
  EXPECT_FALSE(mount("a", R"({"type":"fake","plugin_version":"1"})"));
  EXPECT_FALSE(mount("a", R"({"type":"fake","config":{"options":[["x"]]}})"));
  EXPECT_FALSE(mount(std::string(300, 'x'), R"({"type":"fake"})"));
  EXPECT_FALSE(core_->mounts().at("a/"));
}

TEST_F(SysMounts, PluginNameIsTheType) {
  EXPECT_TRUE(is_none(mount("a", R"({"type":"plugin","plugin_name":"fake"})")));
  EXPECT_TRUE(is_none(
      mount("b", R"({"type":"plugin","config":{"plugin_name":"fake"}})")));
}

TEST_F(SysMounts, KvAliasesNameKvAtAVersion) {
  int number = 0;
  for (const auto& [type, version] :
       {std::pair("kv-v1", "1"), {"generic", "1"}, {"kv-v2", "2"}}) {
    for (const char* options :
         {"{}", R"({"version":"1"})", R"({"version":"2"})"}) {
      const std::string path = "m" + std::to_string(++number);
      const std::string body = "{\"type\":\"" + std::string(type) +
                               "\",\"options\":" + options + "}";
      ASSERT_TRUE(is_none(mount(path, body))) << body;
      const auto& config = core_->mounts().at(path + "/")->config;
      EXPECT_EQ(config.type, "kv");
      EXPECT_EQ(config.options.at("version"), version) << body;
    }
  }
}

TEST_F(SysMounts, AuthMethodsAreNotReachedFromHere) {
  EXPECT_FALSE(call(Operation::kRead, "mounts/auth/token", {}, root_));
  ASSERT_TRUE(is_none(
      call(Operation::kUpdate, "auth/x", R"({"type":"fakeauth"})", root_)));
  EXPECT_EQ(error(call(Operation::kDelete, "mounts/auth/x", {}, root_)),
            "cannot unmount \"auth/x/\"");
  EXPECT_TRUE(core_->mounts().at("auth/x/"));
}

TEST_F(SysMounts, SurvivesARestart) {
  ASSERT_TRUE(is_none(mount("a", R"({"type":"fake","description":"kept"})")));
  rebuild();
  unseal();
  EXPECT_THAT(data(call(Operation::kRead, "mounts/a", {}, root_)),
              HasSubstr(R"("description":"kept")"));
}

}  // namespace
}  // namespace bulla::server
