#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/command_fixture.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(Commands, Secrets) {
  host_.answer(200, R"({"data":{"transit/":{"type":"transit","accessor":"t_1",)"
                    R"("description":"","config":{"default_lease_ttl":0,)"
                    R"("max_lease_ttl":3600,"force_no_cache":false},)"
                    R"("local":false,"seal_wrap":false,"options":null,)"
                    R"("uuid":"u"}}})");
  EXPECT_THAT(sent({"secrets", "list"}), ElementsAre("GET sys/mounts"));
  EXPECT_EQ(printed(),
            "Path        Type       Accessor    Description\n"
            "----        ----       --------    -----------\n"
            "transit/    transit    t_1         n/a\n");
  host_.answer(204);
  EXPECT_THAT(sent({"secrets", "enable", "-path=x", "-max-lease-ttl=1h",
                    "-version=2", "transit"}),
              ElementsAre(R"(PUT sys/mounts/x {"type":"transit",)"
                          R"("description":"","local":false,"seal_wrap":false,)"
                          R"("external_entropy_access":false,)"
                          R"("config":{"max_lease_ttl":"1h"},)"
                          R"("options":{"version":"2"}})"));
  EXPECT_EQ(printed(), "Success! Enabled the transit secrets engine at: x/\n");
  host_.answer(204);
  EXPECT_THAT(sent({"secrets", "tune", "-audit-non-hmac-request-keys=a,b",
                    "-description=", "x/"}),
              ElementsAre(R"(PUT sys/mounts/x/tune )"
                          R"({"audit_non_hmac_request_keys":["a","b"],)"
                          R"("description":""})"));
  host_.answer(204);
  EXPECT_THAT(sent({"secrets", "disable", "x"}),
              ElementsAre("DELETE sys/mounts/x"));
  EXPECT_EQ(printed(),
            "Success! Disabled the secrets engine (if it existed) at: x/\n");
}

TEST_F(Commands, MountsInDetail) {
  const auto info = [](std::string_view type, std::string_view default_ttl) {
    return R"({"type":")" + std::string(type) +
           R"(","accessor":"a_1","description":"d","config":{)"
           R"("default_lease_ttl":)" +
           std::string(default_ttl) +
           R"(,"max_lease_ttl":0,"force_no_cache":false},"local":false,)"
           R"("seal_wrap":false,"external_entropy_access":false,)"
           R"("options":{"v":"2"},"uuid":"u","plugin_version":"",)"
           R"("running_plugin_version":"v1","running_sha256":"",)"
           R"("deprecation_status":"supported"})";
  };
  host_.answer(200, R"({"data":{"sys/":)" + info("system", "0") + R"(,"t/":)" +
                        info("transit", "3600") + "}}");
  sent({"secrets", "list", "-detailed"});
  EXPECT_THAT(
      printed(),
      testing::AllOf(HasSubstr("External Entropy Access    Options     "
                               "Description    UUID    Version    Running "
                               "Version    Running SHA256    Deprecation "
                               "Status\n"),
                     testing::ContainsRegex("sys/ +system +a_1 +n/a +n/a "),
                     testing::ContainsRegex(
                         "t/ +transit +a_1 +3600 +system +false +replicated "
                         "+false +false +map.v:2. +d +u +n/a +v1 +n/a "
                         "+supported")));
}

TEST_F(Commands, MovingWaitsForItsEnd) {
  const auto state = [](const std::string& word) {
    return R"({"data":{"migration_info":{"status":")" + word + R"("}}})";
  };
  host_.answer(200, R"({"data":{"migration_id":"m1"}})");
  host_.answer(200, state("in-progress"));
  host_.answer(200, state("success"));
  EXPECT_THAT(
      sent({"secrets", "move", "a", "b"}),
      ElementsAre(R"(PUT sys/remount {"from":"a/","to":"b/"})",
                  "GET sys/remount/status/m1", "GET sys/remount/status/m1"));
  host_.answer(200, R"({"data":{"migration_id":"m1"}})");
  host_.answer(200, state("failure"));
  sent({"secrets", "move", "a", "b"}, 2);
  host_.answer(200, R"({"data":{"migration_id":"m1"}})");
  host_.answer(200, state("success"));
  EXPECT_EQ(sent({"auth", "move", "a", "b"}).front(),
            R"(PUT sys/remount {"from":"auth/a/","to":"auth/b/"})");
  EXPECT_EQ(printed(),
            "Started moving auth method a/ to b/, with migration ID m1\n"
            "Success! Finished moving auth method a/ to b/, with migration ID "
            "m1\n");
}

TEST_F(Commands, Auth) {
  host_.answer(200, R"({"data":{}})");
  EXPECT_THAT(sent({"auth", "list", "-detailed"}), ElementsAre("GET sys/auth"));
  EXPECT_THAT(printed(), HasSubstr("Token Type"));
  host_.answer(204);
  EXPECT_THAT(sent({"auth", "enable", "approle"})[0],
              HasSubstr(R"(PUT sys/auth/approle {"type":"approle",)"));
  EXPECT_EQ(printed(),
            "Success! Enabled the approle auth method at: "
            "approle/\n");
  sent({"auth", "tune", "approle"}, 1);
  host_.answer(204);
  EXPECT_THAT(sent({"auth", "disable", "approle/"}),
              ElementsAre("DELETE sys/auth/approle"));
}

TEST_F(Commands, Policies) {
  host_.answer(200, R"({"data":{"keys":["default","root"]}})");
  EXPECT_THAT(sent({"policy", "list"}),
              ElementsAre("GET sys/policies/acl?list=true"));
  EXPECT_EQ(printed(), "default\nroot\n");
  host_.answer(200, R"({"data":{"name":"p","policy":"path \"a\" {}\n"}})");
  EXPECT_THAT(sent({"policy", "read", "p"}),
              ElementsAre("GET sys/policies/acl/p"));
  EXPECT_EQ(printed(), "path \"a\" {}\n");
  host_.answer(404, R"({"errors":[]})");
  sent({"policy", "read", "p"}, 2);
  host_.console.input = "path \"a\" {}";
  host_.answer(204);
  EXPECT_THAT(sent({"policy", "write", "p", "-"}),
              ElementsAre(R"(PUT sys/policies/acl/p )"
                          R"({"policy":"path \"a\" {}"})"));
  host_.answer(204);
  EXPECT_EQ(sent({"policy", "write", "P", "-"})[0].substr(0, 24),
            "PUT sys/policies/acl/p {");
  EXPECT_EQ(printed(), "Success! Uploaded policy: p\n");
  EXPECT_THAT(host_.console.complained,
              HasSubstr("converted from \"P\" to \"p\""));
  sent({"policy", "write", "p", "/nonexistent"}, 2);
  host_.answer(200, R"({"data":{"name":"p","policy":"x","version":3}})");
  sent({"policy", "read", "p", "-format=json"});
  EXPECT_EQ(printed(), "{\n  \"policy\": \"x\"\n}\n");
  host_.answer(204);
  EXPECT_THAT(sent({"policy", "delete", "p"}),
              ElementsAre("DELETE sys/policies/acl/p"));
  const auto file = (host_.home / "p.hcl").string();
  std::ofstream(file) << "path \"a\" {\ncapabilities=[\"read\"]\n}";
  EXPECT_THAT(sent({"policy", "fmt", file}), testing::IsEmpty());
  std::ifstream laid(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(laid), {}),
            "path \"a\" {\n  capabilities = [\"read\"]\n}\n");
}

TEST_F(Commands, Tokens) {
  host_.answer(200, R"({"auth":{"client_token":"hvs.t","lease_duration":60}})");
  EXPECT_THAT(
      sent({"token", "create", "-policy=a", "-policy=b", "-ttl=1h", "-orphan",
            "-use-limit=3", "-metadata=k=v", "-renewable=false", "-role=app",
            "-field=token"}),
      ElementsAre(R"(PUT auth/token/create/app {"ttl":"1h",)"
                  R"("policies":["a","b"],"meta":{"k":"v"},"type":"service",)"
                  R"("renewable":false,"no_parent":true,)"
                  R"("no_default_policy":false,"num_uses":3})"));
  EXPECT_EQ(printed(), "hvs.t");
  const auto one = [this](const std::vector<std::string>& arguments) {
    host_.answer(200, R"({"data":{"capabilities":["read","update"]}})");
    return sent(arguments).front();
  };
  EXPECT_EQ(one({"token", "lookup"}), "GET auth/token/lookup-self");
  EXPECT_EQ(one({"token", "lookup", "tok"}),
            R"(PUT auth/token/lookup {"token":"tok"})");
  EXPECT_EQ(one({"token", "lookup", "-accessor", "acc"}),
            R"(PUT auth/token/lookup-accessor {"accessor":"acc"})");
  EXPECT_EQ(one({"token", "renew", "-increment=1h"}),
            R"(PUT auth/token/renew-self {"increment":"1h"})");
  EXPECT_EQ(one({"token", "revoke", "-self"}), "PUT auth/token/revoke-self {}");
  EXPECT_EQ(one({"token", "revoke", "-mode=orphan", "tok"}),
            R"(PUT auth/token/revoke-orphan {"token":"tok"})");
  EXPECT_EQ(one({"token", "revoke", "-mode=path", "auth/x"}),
            "PUT sys/leases/revoke-prefix/auth/x {}");
  EXPECT_EQ(one({"token", "capabilities", "p"}),
            R"(PUT sys/capabilities-self {"paths":["p"]})");
  EXPECT_EQ(printed(), "read, update\n");
  EXPECT_EQ(
      one({"token", "capabilities", "-accessor", "acc", "p"}),
      R"(PUT sys/capabilities-accessor {"accessor":"acc","paths":["p"]})");
  sent({"token", "revoke", "-self", "tok"}, 1);
  sent({"token", "revoke", "-mode=other", "tok"}, 1);
}

TEST_F(Commands, Audit) {
  host_.answer(200, R"({"data":{}})");
  EXPECT_THAT(sent({"audit", "list"}, 2), ElementsAre("GET sys/audit"));
  EXPECT_EQ(printed(), "No audit devices are enabled.\n");
  host_.answer(
      200, R"({"data":{"file/":{"type":"file","description":"",)"
           R"("options":{"file_path":"/l","mode":"0600"},"local":false}}})");
  sent({"audit", "list", "-detailed"});
  EXPECT_THAT(printed(), HasSubstr("replicated     file_path=/l mode=0600"));
  host_.answer(204);
  EXPECT_THAT(sent({"audit", "enable", "-path=f", "file", "file_path=/l"}),
              ElementsAre(R"(PUT sys/audit/f {"type":"file","description":"",)"
                          R"("options":{"file_path":"/l"},"local":false})"));
  host_.answer(204);
  EXPECT_THAT(sent({"audit", "disable", "f"}),
              ElementsAre("DELETE sys/audit/f"));
}

}  // namespace
}  // namespace bulla::cli
