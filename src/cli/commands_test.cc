#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/command_fixture.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kSealed =
    R"({"type":"shamir","initialized":true,"sealed":true,"t":3,"n":5,)"
    R"("progress":1,"nonce":"abc","version":"1.0","storage_type":"lmdb"})";
constexpr auto kUnsealed =
    R"({"type":"shamir","initialized":true,"sealed":false,"t":3,"n":5,)"
    R"("progress":0,"nonce":"","version":"1.0","storage_type":"lmdb",)"
    R"("cluster_name":"c","cluster_id":"i"})";

TEST_F(Commands, StatusOfASealedServerExitsWithTwo) {
  host_.answer(200, kSealed);
  host_.answer(200, R"({"ha_enabled":false})");
  EXPECT_THAT(sent({"status"}, 2),
              ElementsAre("GET sys/seal-status", "GET sys/leader"));
  EXPECT_EQ(printed(),
            "Key                Value\n"
            "---                -----\n"
            "Seal Type          shamir\n"
            "Initialized        true\n"
            "Sealed             true\n"
            "Total Shares       5\n"
            "Threshold          3\n"
            "Unseal Progress    1/3\n"
            "Unseal Nonce       abc\n"
            "Version            1.0\n"
            "Storage Type       lmdb\n"
            "HA Enabled         false\n");
}

TEST_F(Commands, StatusOfAnUnsealedServer) {
  host_.answer(200, kUnsealed);
  host_.answer(404, R"({"errors":[]})");
  sent({"status"});
  EXPECT_THAT(printed(), HasSubstr("Cluster Name    c\nCluster ID      i\n"));
  host_.answer(200, kUnsealed);
  host_.answer(200, R"({"ha_enabled":true,"is_self":true})");
  sent({"status", "-format=json"});
  EXPECT_THAT(printed(), HasSubstr("\"sealed\": false"));
  EXPECT_THAT(printed(), HasSubstr("\"ha_enabled\": true"));
  EXPECT_EQ(host_.run({"status"}), 1) << "no server is a local error";
}

constexpr auto kInitAnswer =
    R"({"keys":["aa","bb"],"keys_base64":["qg==","uw=="],"root_token":"s.r"})";

TEST_F(Commands, InitPrintsSharesAndRootToken) {
  host_.answer(200, R"({"recovery_seal":false})");
  host_.answer(200, kInitAnswer);
  EXPECT_THAT(
      sent({"operator", "init"}),
      ElementsAre("GET sys/seal-status", R"(PUT sys/init {"secret_shares":5,)"
                                         R"("secret_threshold":3})"));
  EXPECT_THAT(printed(), HasSubstr("Unseal Key 1: qg==\nUnseal Key 2: uw==\n\n"
                                   "Initial Root Token: s.r\n\n"));
  EXPECT_THAT(printed(), HasSubstr("Next: `bulla operator unseal`, 3 times"));
}

TEST_F(Commands, InitForPrograms) {
  host_.answer(200, kInitAnswer);
  EXPECT_THAT(sent({"operator", "init", "-n=2", "-t", "2", "-format=json"}),
              ElementsAre(R"(PUT sys/init {"secret_shares":2,)"
                          R"("secret_threshold":2})"));
  EXPECT_EQ(printed(),
            "{\n  \"unseal_keys_b64\": [\n    \"qg==\",\n    \"uw==\"\n  ],\n"
            "  \"unseal_keys_hex\": [\n    \"aa\",\n    \"bb\"\n  ],\n"
            "  \"unseal_shares\": 2,\n  \"unseal_threshold\": 2,\n"
            "  \"recovery_keys_b64\": [],\n  \"recovery_keys_hex\": [],\n"
            "  \"recovery_keys_shares\": 0,\n"
            "  \"recovery_keys_threshold\": 0,\n"
            "  \"root_token\": \"s.r\"\n}\n");
}

TEST_F(Commands, InitOfASealThatOpensByItself) {
  host_.answer(200, R"({"recovery_seal":true})");
  host_.answer(200, R"({"keys":[],"keys_base64":[],"recovery_keys":["aa"],)"
                    R"("recovery_keys_base64":["qg=="],"root_token":"s.r"})");
  EXPECT_EQ(sent({"operator", "init"}).back(),
            R"(PUT sys/init {"recovery_shares":5,"recovery_threshold":3})");
  EXPECT_THAT(printed(), HasSubstr("Recovery Key 1: qg==\n"));
}

TEST_F(Commands, InitStatusHasItsExitCodes) {
  host_.answer(200, R"({"initialized":true})");
  EXPECT_THAT(sent({"operator", "init", "-status"}),
              ElementsAre("GET sys/init"));
  host_.answer(200, R"({"initialized":false})");
  sent({"operator", "init", "-status"}, 2);
  sent({"operator", "init", "-status"}, 1);
}

TEST_F(Commands, UnsealTakesTheKeyFromEverywhere) {
  host_.variables["BULLA_TOKEN"] = "hvs.token";
  host_.answer(200, kSealed);
  EXPECT_THAT(sent({"operator", "unseal", "abcdefgh"}),
              ElementsAre(R"(PUT sys/unseal {"key":"abcdefgh"})"));
  EXPECT_EQ(host_.header(0, "X-Vault-Token"), "(none)");
  EXPECT_THAT(host_.console.complained, HasSubstr("WARNING!"));
  host_.console.input = "from-input\n";
  host_.answer(200, kSealed);
  EXPECT_THAT(
      sent({"operator", "unseal", "-migrate", "-"}),
      ElementsAre(R"(PUT sys/unseal {"key":"from-input","migrate":true})"));
  host_.console.typed = "typed-key";
  host_.answer(200, kUnsealed);
  EXPECT_THAT(sent({"operator", "unseal"}),
              ElementsAre(R"(PUT sys/unseal {"key":"typed-key"})"));
  EXPECT_THAT(host_.console.prompts,
              ElementsAre("Unseal Key (will be hidden): "));
  host_.answer(200, kSealed);
  EXPECT_THAT(sent({"operator", "unseal", "-reset"}),
              ElementsAre(R"(PUT sys/unseal {"reset":true})"));
  sent({"operator", "unseal", "-non-interactive"}, 1);
  EXPECT_EQ(host_.console.prompts.size(), 1U);
}

TEST_F(Commands, SealAndRotate) {
  host_.answer(204);
  EXPECT_THAT(sent({"operator", "seal"}), ElementsAre("PUT sys/seal {}"));
  EXPECT_EQ(printed(), "Success! Bulla is sealed.\n");
  host_.answer(204);
  host_.answer(200, R"({"data":{"term":2,"encryptions":9,)"
                    R"("install_time":"2026-01-02T15:04:05.6Z"}})");
  EXPECT_THAT(sent({"operator", "rotate"}),
              ElementsAre("PUT sys/rotate {}", "GET sys/key-status"));
  EXPECT_EQ(printed(),
            "Success! Rotated key\n\nKey Term            2\n"
            "Install Time        02 Jan 26 15:04 UTC\n"
            "Encryption Count    9\n");
}

constexpr auto kSelf =
    R"({"request_id":"r","data":{"accessor":"acc","id":"hvs.new-token",)"
    R"("policies":["root"],"ttl":0,"meta":null,"renewable":false}})";

TEST_F(Commands, LoginStoresTheTokenItLookedUp) {
  host_.answer(200, kSelf);
  EXPECT_THAT(sent({"login", "hvs.new-token"}),
              ElementsAre("GET auth/token/lookup-self"));
  EXPECT_EQ(host_.header(0, "X-Vault-Request"), "true");
  EXPECT_EQ(stored_token(), "hvs.new-token");
  EXPECT_THAT(printed(), HasSubstr("token                hvs.new-token\n"
                                   "token_accessor       acc\n"
                                   "token_duration       ∞\n"
                                   "token_renewable      false\n"
                                   "token_policies       [\"root\"]\n"
                                   "identity_policies    []\n"
                                   "policies             [\"root\"]\n"));
}

TEST_F(Commands, LoginKeepsQuietWhenTold) {
  host_.console.typed = "hvs.new-token";
  host_.answer(200, kSelf);
  sent({"login", "-no-store"});
  EXPECT_EQ(stored_token(), "");
  host_.answer(200, kSelf);
  sent({"login", "-token-only"});
  EXPECT_EQ(printed(), "hvs.new-token");
  EXPECT_EQ(stored_token(), "");
  host_.answer(200, kSelf);
  sent({"login", "-no-print"});
  EXPECT_EQ(printed(), "");
  EXPECT_EQ(stored_token(), "hvs.new-token");
}

// It would be of no use.
TEST_F(Commands, LoginDoesNotThrowATokenAway) {
  EXPECT_THAT(sent({"login", "-no-store", "-no-print", "x"}, 1),
              testing::IsEmpty());
  EXPECT_THAT(sent({"login", "-token-only", "-no-print", "x"}, 1),
              testing::IsEmpty());
}

TEST_F(Commands, LoginWarnsOfAVariableThatStays) {
  host_.variables["VAULT_TOKEN"] = "hvs.other-token";
  host_.answer(200, kSelf);
  sent({"login", "hvs.new-token"});
  EXPECT_THAT(host_.console.complained, HasSubstr("VAULT_TOKEN is set"));
}

TEST_F(Commands, LoginByOtherMethods) {
  constexpr auto kAuth = R"({"auth":{"client_token":"hvs.up","accessor":"a"}})";
  host_.console.typed = "secret";
  host_.answer(200, kAuth);
  EXPECT_THAT(
      sent({"login", "-method=userpass", "username=ada"}),
      ElementsAre(R"(PUT auth/userpass/login/ada {"password":"secret"})"));
  EXPECT_EQ(stored_token(), "hvs.up");
  host_.answer(200, kAuth);
  EXPECT_THAT(
      sent({"login", "-method=approle", "-path=ci/", "role_id=r",
            "secret_id=s"}),
      ElementsAre(R"(PUT auth/ci/login {"role_id":"r","secret_id":"s"})"));
}

TEST_F(Commands, GenericReadWriteListDelete) {
  host_.variables["BULLA_TOKEN"] = "hvs.token";
  host_.variables["VAULT_NAMESPACE"] = "team";
  host_.answer(200, R"({"request_id":"r","data":{"ttl":3600,"b":["x"],)"
                    R"("a":null},"warnings":["careful"]})");
  EXPECT_THAT(sent({"read", "/transit/keys/x", "version=1"}),
              ElementsAre("GET transit/keys/x?version=1"));
  EXPECT_EQ(printed(),
            "Key    Value\n---    -----\na      <nil>\n"
            "b      [x]\nttl    1h\n");
  EXPECT_THAT(host_.console.complained, HasSubstr("  * careful\n"));
  EXPECT_EQ(host_.header(0, "X-Vault-Token"), "hvs.token");
  EXPECT_EQ(host_.header(0, "X-Vault-Namespace"), "team");

  host_.answer(204);
  EXPECT_THAT(sent({"write", "a/b", "n=5", "-wrap-ttl=60", "-header=A=b"}),
              ElementsAre(R"(PUT a/b {"n":"5"})"));
  EXPECT_EQ(printed(), "Success! Data written to: a/b\n");
  EXPECT_EQ(host_.header(0, "X-Vault-Wrap-TTL"), "60");
  EXPECT_EQ(host_.header(0, "A"), "b");

  host_.answer(200, R"({"data":{"keys":["a","b/"]}})");
  EXPECT_THAT(sent({"list", "a"}), ElementsAre("GET a/?list=true"));
  EXPECT_EQ(printed(), "Keys\n----\na\nb/\n");

  host_.answer(204);
  EXPECT_THAT(sent({"delete", "a/b", "versions=1"}),
              ElementsAre("DELETE a/b?versions=1"));
  EXPECT_EQ(printed(), "Success! Data deleted (if it existed) at: a/b\n");
}

TEST_F(Commands, NothingThereExitsWithTwo) {
  host_.answer(404, R"({"errors":[]})");
  sent({"read", "a"}, 2);
  EXPECT_THAT(host_.console.complained, HasSubstr("No value found at a"));
  host_.answer(404, R"({"errors":[]})");
  sent({"list", "a", "-format=json"}, 2);
  EXPECT_EQ(printed(), "{}\n");
}

TEST_F(Commands, FieldsAreBareUnlessOnATerminal) {
  constexpr auto kAnswer = R"({"request_id":"r","data":{"n":1,"s":"x y"}})";
  host_.answer(200, kAnswer);
  sent({"read", "-field=s", "a"});
  EXPECT_EQ(printed(), "x y");
  host_.console.terminal = true;
  host_.answer(200, kAnswer);
  sent({"read", "-field=n", "a"});
  EXPECT_EQ(printed(), "1\n");
  host_.answer(200, kAnswer);
  sent({"read", "-field=none", "a"}, 1);
  EXPECT_THAT(host_.console.complained, HasSubstr("\"none\" not present"));
}

TEST_F(Commands, JsonIsTheAnswerInVaultsOrder) {
  host_.answer(200, R"({"request_id":"r","lease_id":"","renewable":false,)"
                    R"("lease_duration":0,"data":{"b":1.0,"a":"<"},)"
                    R"("wrap_info":null,"warnings":null,"auth":null})");
  sent({"read", "-format=json", "a"});
  EXPECT_EQ(printed(),
            "{\n  \"request_id\": \"r\",\n  \"lease_id\": \"\",\n"
            "  \"lease_duration\": 0,\n  \"renewable\": false,\n"
            "  \"data\": {\n    \"a\": \"\\u003c\",\n    \"b\": 1.0\n  },\n"
            "  \"warnings\": null\n}\n");
}

TEST_F(Commands, BareAndTextAnswersAreShown) {
  host_.answer(200, R"({"sealed":false})");
  sent({"read", "sys/health"});
  EXPECT_THAT(printed(), HasSubstr("sealed    false\n"));
  host_.answer(200, "# HELP x\n");
  sent({"read", "sys/metrics", "format=prometheus"});
  EXPECT_EQ(printed(), "# HELP x\n");
}

TEST_F(Commands, WrappedAnswersShowTheWrappingToken) {
  host_.answer(200, R"({"request_id":"","data":null,"wrap_info":{"token":"w",)"
                    R"("accessor":"a","ttl":90,"creation_time":"T",)"
                    R"("creation_path":"p"}})");
  sent({"read", "-wrap-ttl=90s", "a"});
  EXPECT_THAT(printed(), HasSubstr("wrapping_token:                  w\n"));
  EXPECT_THAT(printed(), HasSubstr("wrapping_token_ttl:              1m30s\n"));
}

TEST_F(Commands, PathHelp) {
  host_.answer(200, R"({"help":"Text.\n\n"})");
  EXPECT_THAT(sent({"path-help", "transit/keys"}),
              ElementsAre("GET transit/keys?help=1"));
  EXPECT_EQ(printed(), "Text.\n");
}

TEST_F(Commands, ServerGetsItsFlags) {
  EXPECT_EQ(host_.run({"server", "-config=a", "-config", "b", "-dev",
                       "-dev-root-token-id=root", "-log-level=debug",
                       "-log-file=/l"}),
            7);
  ASSERT_TRUE(host_.server_flags.has_value());
  EXPECT_THAT(host_.server_flags->config, ElementsAre("a", "b"));
  EXPECT_TRUE(host_.server_flags->dev);
  EXPECT_EQ(host_.server_flags->dev_root_token_id, "root");
  EXPECT_EQ(host_.server_flags->dev_listen_address, "127.0.0.1:8200");
  EXPECT_EQ(host_.server_flags->log_level, "debug");
  EXPECT_EQ(host_.server_flags->log_file, "/l");
}

TEST_F(Commands, CurlStringsSendNothing) {
  host_.variables["BULLA_TOKEN"] = "hvs.token-of-mine";
  EXPECT_THAT(sent({"-output-curl-string", "write", "a/b", "name=it's",
                    "-namespace=n", "-tls-skip-verify"}),
              testing::IsEmpty());
  EXPECT_EQ(printed(),
            "curl -X PUT --insecure -H \"X-Vault-Request: true\" "
            "-H \"X-Vault-Token: $VAULT_TOKEN\" -H 'X-Vault-Namespace: n' "
            "-d '{\"name\":\"'\"$NAME\"'\"}' 'http://127.0.0.1:8200/v1/a/b'\n");
  sent({"secrets", "tune", "-description=it's", "x", "-output-curl-string"});
  EXPECT_THAT(printed(), HasSubstr(R"(-d '{"description":"it'\''s"}')"));
}

TEST_F(Commands, OutputPolicySendsNothing) {
  const auto policy = [this](std::vector<std::string> arguments) {
    arguments.emplace_back("-output-policy");
    EXPECT_THAT(sent(arguments), testing::IsEmpty());
    return printed();
  };
  EXPECT_EQ(policy({"read", "transit/keys/k"}),
            "path \"transit/keys/k\" {\n  capabilities = [\"read\"]\n}\n");
  EXPECT_EQ(policy({"list", "a/"}),
            "path \"a\" {\n  capabilities = [\"list\"]\n}\n");
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"write", "a/b", "x=y"}, R"(["create", "update"])"},
      {{"list", "a"}, R"(["list"])"},
      {{"delete", "a"}, R"(["delete"])"},
      {{"operator", "rotate"}, R"(["create", "update", "sudo"])"},
      {{"audit", "list"}, R"(["read", "sudo"])"},
      {{"list", "auth/token/accessors"}, R"(["list", "sudo"])"},
      {{"secrets", "move", "a", "b"}, R"(["create", "update", "sudo"])"},
      {{"secrets", "enable", "transit"}, R"(["create", "update"])"}};
  for (const auto& [arguments, words] : rows) {
    EXPECT_THAT(policy(arguments), HasSubstr("capabilities = " + words));
  }
}

TEST_F(Commands, HabitsOfVaultsFlags) {
  host_.answer(204);
  sent({"write", "-f", "a", "-policy-override", "-mfa=totp:123",
        "-disable-redirects"});
  EXPECT_EQ(host_.header(0, "X-Vault-Policy-Override"), "true");
  EXPECT_EQ(host_.header(0, "X-Vault-MFA"), "totp:123");
  EXPECT_FALSE(host_.requests[0].follow_redirect);
  host_.variables["VAULT_AGENT_ADDR"] = "http://agent:1";
  host_.answer(204);
  sent({"write", "-f", "a", "-address=http://h:1"});
  EXPECT_EQ(host_.request(0), "PUT http://agent:1/v1/a {}");
}

TEST_F(Commands, ListsInPagesAndInDetail) {
  const std::string info =
      R"({"data":{"keys":["a","b"],"key_info":{"a":{"n":1},"b":{"m":"x"}}}})";
  host_.answer(200, info);
  EXPECT_THAT(sent({"list", "-after=k", "-limit=2", "p"}),
              ElementsAre("GET p/?list=true&after=k&limit=2"));
  EXPECT_EQ(printed(), "Keys\n----\na\nb\n");
  host_.answer(200, info);
  sent({"list", "-detailed", "p"});
  EXPECT_EQ(printed(),
            "Keys    m      n\n"
            "----    -      -\n"
            "a       n/a    1\n"
            "b       x      n/a\n");
}

TEST_F(Commands, FlagsStandAnywhere) {
  host_.answer(204);
  sent({"-address=http://h:1", "write", "-f", "--", "-a"});
  EXPECT_EQ(host_.request(0), "PUT http://h:1/v1/-a {}");
}

TEST_F(Commands, VersionHasItsSpellings) {
  for (const auto* word : {"version", "-version", "--version", "-v"}) {
    EXPECT_EQ(host_.run({word}), 0);
    EXPECT_THAT(printed(), HasSubstr("Bulla v"));
  }
}

}  // namespace
}  // namespace bulla::cli
