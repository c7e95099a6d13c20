#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/command_fixture.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPasskey =
    R"({"name":"hsm","kind":"pkcs11","provider":"hsm","kek_version":2,)"
    R"("key_id":"k","created":"c","last_verified":"v","check_value":"x"})";

TEST_F(Commands, PasskeysOfASeal) {
  host_.answer(200, R"({"data":{"passkey":)" + std::string(kPasskey) + "}}");
  EXPECT_THAT(
      sent({"passkey", "add", "-kind=pkcs11", "-name=hsm", "-provider=hsm"}),
      ElementsAre(R"(PUT sys/passkeys/hsm )"
                  R"({"kind":"pkcs11","provider":"hsm"})"));
  EXPECT_THAT(printed(), HasSubstr("KEK Version      2\n"));
  host_.answer(200, R"({"data":)" + std::string(kPasskey) + "}");
  EXPECT_THAT(sent({"passkey", "verify", "hsm"}),
              ElementsAre("PUT sys/passkeys/hsm/verify {}"));
  host_.answer(200, R"({"data":)" + std::string(kPasskey) + "}");
  EXPECT_THAT(sent({"passkey", "show", "hsm"}),
              ElementsAre("GET sys/passkeys/hsm"));
  host_.answer(404, R"({"errors":[]})");
  sent({"passkey", "show", "hsm"}, 2);
  host_.answer(200, R"({"data":)" + std::string(kPasskey) + "}");
  EXPECT_THAT(sent({"passkey", "rename", "hsm", "new"}),
              ElementsAre(R"(PUT sys/passkeys/hsm/rename {"new_name":"new"})"));
  host_.answer(204);
  EXPECT_THAT(sent({"passkey", "delete", "hsm"}),
              ElementsAre("DELETE sys/passkeys/hsm"));
  host_.answer(200, R"({"data":{"keys":["hsm"],"key_info":{"hsm":)" +
                        std::string(kPasskey) + "}}}");
  EXPECT_THAT(sent({"passkey", "list"}),
              ElementsAre("GET sys/passkeys?list=true"));
  EXPECT_THAT(printed(), HasSubstr("hsm     pkcs11    hsm     2"));
  EXPECT_TRUE(sent({"passkey", "add", "-kind=env"}, 1).empty());
}

TEST_F(Commands, PasskeysOfPeople) {
  host_.answer(200, R"({"data":{"keys":["00"],"keys_base64":["AA=="],)"
                    R"("passkey":{"name":"s","kind":"shamir","shares":3,)"
                    R"("threshold":2}}})");
  EXPECT_THAT(sent({"passkey", "add", "-kind=shamir", "-name=s", "-shares=3",
                    "-threshold=2"}),
              ElementsAre(R"(PUT sys/passkeys/s {"kind":"shamir",)"
                          R"("secret_shares":3,"secret_threshold":2})"));
  EXPECT_THAT(printed(), HasSubstr("Unseal Key 1: AA=="));
  const std::string path = (host_.home / "phrase").string();
  std::ofstream(path) << "two words\n";
  const std::string body =
      R"(PUT sys/passkeys/p {"kind":"passphrase","passphrase":"two words"})";
  host_.answer(200, "{}");
  EXPECT_THAT(sent({"passkey", "add", "-kind=passphrase", "-name=p",
                    "-passphrase-file=" + path}),
              ElementsAre(body));
  host_.console.input = "two words\r\n";
  host_.answer(200, "{}");
  EXPECT_THAT(sent({"passkey", "add", "-kind=passphrase", "-name=p",
                    "-passphrase-file=-"}),
              ElementsAre(body));
  host_.answer(200, "{}");
  EXPECT_THAT(sent({"passkey", "add", "-kind=passphrase", "-name=p", "-"}),
              ElementsAre(body));
  EXPECT_TRUE(
      sent({"passkey", "add", "-kind=passphrase", "-name=p", "two words"}, 1)
          .empty());
  host_.console.typed = "two words";
  host_.answer(200, "{}");
  EXPECT_THAT(sent({"passkey", "add", "-kind=passphrase", "-name=p"}),
              ElementsAre(body));
  EXPECT_EQ(host_.console.prompts.size(), 2U);
  host_.console.typed.reset();
  EXPECT_TRUE(
      sent({"passkey", "add", "-kind=passphrase", "-name=p"}, 1).empty());
  EXPECT_TRUE(sent({"passkey", "add", "-kind=passphrase", "-name=p",
                    "-passphrase-file=/no/such"},
                   1)
                  .empty());
}

TEST_F(Commands, WhatPeopleHoldIsProved) {
  host_.console.input = "AA==\n\n  01ff02fe03fd04fc\n";
  host_.answer(400, R"({"errors":["no 01ff02fe03fd04fc here"]})");
  EXPECT_THAT(sent({"passkey", "verify", "glass", "-shares-file=-"}, 2),
              ElementsAre(R"(PUT sys/passkeys/glass/verify )"
                          R"({"keys":["AA==","01ff02fe03fd04fc"]})"));
  EXPECT_THAT(host_.console.complained, Not(HasSubstr("01ff02fe03fd04fc")));
  host_.console.input = "\n";
  EXPECT_TRUE(
      sent({"passkey", "verify", "glass", "-shares-file=-"}, 1).empty());
  host_.console.input = "two words\n";
  host_.answer(200, "{}");
  EXPECT_THAT(sent({"passkey", "verify", "office", "-"}),
              ElementsAre(R"(PUT sys/passkeys/office/verify )"
                          R"({"passphrase":"two words"})"));
}

TEST_F(Commands, APassphraseIsNeverShown) {
  host_.console.input = "hunter2 hunter2\n";
  host_.answer(400, R"({"errors":["no hunter2 hunter2 here"]})");
  sent({"operator", "unseal", "-passphrase-file=-", "-passkey=office"}, 2);
  EXPECT_THAT(host_.request(0), HasSubstr(R"({"passphrase":"hunter2 hunter2",)"
                                          R"("passkey":"office"})"));
  EXPECT_THAT(host_.console.complained, Not(HasSubstr("hunter2")));
  host_.console.input = "hunter2 hunter2\n";
  sent({"passkey", "verify", "office", "-passphrase-file=-",
        "-output-curl-string"});
  EXPECT_THAT(printed(), Not(HasSubstr("hunter2")));
}

constexpr std::string_view kRotation =
    R"({"data":{"name":"env","from_version":1,"to_version":2,"envelopes":3,)"
    R"("rewrapped":3,"dry_run":false}})";

TEST_F(Commands, Keks) {
  host_.answer(200, R"({"data":{"seals":[{"name":"env","kind":"env",)"
                    R"("recorded":true,"configured":true,"active_version":1,)"
                    R"("target_version":2,"loaded_versions":[1,2],)"
                    R"("removed_versions":[],"envelopes":{"1":2,"2":1},)"
                    R"("nodes":[{"name":"n","live":true,)"
                    R"("loaded_versions":[1],"last_seen":"t"}]}]}})");
  EXPECT_THAT(sent({"kek", "status"}), ElementsAre("GET sys/kek"));
  EXPECT_THAT(printed(), HasSubstr("1, moving to 2"));
  EXPECT_THAT(printed(), HasSubstr("2 under version 1, 1 under version 2"));
  EXPECT_THAT(printed(), HasSubstr("1, live, seen t"));
  const auto one = [&](const std::vector<std::string>& arguments) {
    host_.answer(200, std::string(kRotation));
    return sent(arguments).front();
  };
  EXPECT_EQ(one({"kek", "verify", "-target=2"}),
            R"(PUT sys/kek/verify {"target":2})");
  EXPECT_EQ(one({"kek", "rotate", "-seal=env", "-from-version=1",
                 "-to-version=2", "-dry-run"}),
            R"(PUT sys/kek/rotate {"seal":"env","from_version":1,)"
            R"("to_version":2,"dry_run":true})");
  EXPECT_EQ(one({"kek", "remove", "-version=1"}),
            R"(PUT sys/kek/remove {"version":1})");
  EXPECT_EQ(one({"kek", "pkcs11-init", "-version=2"}),
            R"(PUT sys/kek/pkcs11-init {"version":2})");
  EXPECT_TRUE(sent({"kek", "rotate"}, 1).empty());
  EXPECT_TRUE(sent({"kek", "verify"}, 1).empty());
  EXPECT_TRUE(sent({"kek", "remove"}, 1).empty());
}

TEST_F(Commands, KeksOfAStoppedServer) {
  host_.answer(200, std::string(kRotation));
  EXPECT_THAT(sent({"kek", "rotate", "-c=/b.hcl", "-to-version=2"}),
              ElementsAre(R"(PUT sys/kek/rotate {"to_version":2})"));
  EXPECT_THAT(host_.store_config, ElementsAre("/b.hcl"));
  // No server said it, so that none is named.
  host_.answer(404, R"({"errors":["version 3 is not loaded"]})");
  sent({"kek", "rotate", "-c=/b.hcl", "-to-version=3"}, 2);
  EXPECT_EQ(host_.console.complained,
            "Error rotating KEK: version 3 is not loaded\n");
  host_.store_opens = false;
  EXPECT_TRUE(sent({"kek", "status", "-config=/b.hcl"}, 1).empty());
  EXPECT_THAT(host_.console.complained, HasSubstr("stop the server"));
  host_.store_error = "it is sealed with env";
  EXPECT_TRUE(sent({"kek", "status", "-config=/b.hcl"}, 1).empty());
  EXPECT_EQ(host_.console.complained,
            "Error opening the store: it is sealed with env\n");
}

TEST_F(Commands, RotatesTheConfigurationsKek) {
  const auto status = [](std::string_view loaded) {
    return R"({"data":{"seals":[{"kind":"config","loaded_versions":)" +
           std::string(loaded) + "}]}}";
  };
  host_.answer(200, status("[1]"));
  sent({"rotate"}, 1);
  EXPECT_THAT(host_.console.complained, HasSubstr("add rotation"));
  host_.answer(200, status("[1,2]"));
  host_.answer(200, std::string(kRotation));
  EXPECT_THAT(
      sent({"rotate"}),
      ElementsAre("GET sys/kek", R"(PUT sys/kek/rotate {"seal":"config"})"));
  EXPECT_THAT(printed(), HasSubstr("drop the rotation"));
}

}  // namespace
}  // namespace bulla::cli
