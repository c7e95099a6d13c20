#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/encoding.h"
#include "cli/command_fixture.h"
#include "cli/pgp_files.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto kNoSeal = R"({"recovery_seal":false})";
constexpr auto kStarted =
    R"({"nonce":"the-nonce","started":true,"t":2,"n":3,"progress":0,)"
    R"("required":2,"pgp_fingerprints":null,"backup":false,)"
    R"("verification_required":false})";
constexpr auto kIdle =
    R"({"nonce":"","started":false,"t":0,"n":0,"progress":0,"required":2,)"
    R"("pgp_fingerprints":null,"backup":false,"verification_required":false})";

TEST_F(Commands, RekeyBegins) {
  host_.answer(200, kNoSeal);
  host_.answer(200, kStarted);
  EXPECT_THAT(sent({"operator", "rekey", "-init"}),
              ElementsAre("GET sys/seal-status",
                          R"(PUT sys/rekey/init {"secret_shares":5,)"
                          R"("secret_threshold":3,"backup":false,)"
                          R"("require_verification":false})"));
  EXPECT_THAT(printed(), HasSubstr("Nonce                    the-nonce\n"));
  host_.answer(200, kStarted);
  EXPECT_THAT(sent({"operator", "rekey", "-init", "-n=3", "-t=2", "-verify-all",
                    "-target=recovery"}),
              ElementsAre(R"(PUT sys/rekey-recovery-key/init )"
                          R"({"secret_shares":3,"secret_threshold":2,)"
                          R"("backup":false,"require_verification":true,)"
                          R"("verify_all":true})"));
  sent({"operator", "rekey", "-init", "-target=other"}, 1);
}

TEST_F(Commands, RekeyOfASealThatOpensByItselfHasNoShares) {
  host_.answer(200, R"({"recovery_seal":true})");
  host_.answer(200, kStarted);
  EXPECT_THAT(sent({"operator", "rekey", "-init"}).back(),
              HasSubstr(R"("secret_shares":1,"secret_threshold":1)"));
}

TEST_F(Commands, RekeyAsksForTheShareAndShowsTheNonce) {
  host_.console.typed = "typed-share";
  host_.answer(200, kStarted);
  host_.answer(200, R"({"nonce":"the-nonce","complete":true,)"
                    R"("keys":["aa"],"keys_base64":["qg=="],)"
                    R"("pgp_fingerprints":null,"backup":false,)"
                    R"("verification_required":false})");
  EXPECT_THAT(sent({"operator", "rekey"}),
              ElementsAre("GET sys/rekey/init",
                          R"(PUT sys/rekey/update {"key":"typed-share",)"
                          R"("nonce":"the-nonce"})"));
  EXPECT_THAT(host_.console.prompts,
              ElementsAre("Key Share (will be hidden): "));
  EXPECT_THAT(host_.console.complained, HasSubstr("the-nonce"));
  EXPECT_THAT(printed(), HasSubstr("Key 1: qg==\n"));
  EXPECT_THAT(printed(), HasSubstr("from now on"));
}

TEST_F(Commands, RekeyTakesNoShareForANonceThatNobodyNamed) {
  host_.console.input = "from-input\n";
  host_.answer(200, kStarted);
  EXPECT_THAT(sent({"operator", "rekey", "-"}, 1),
              ElementsAre("GET sys/rekey/init"));
  EXPECT_THAT(host_.console.complained, HasSubstr("-nonce"));
  host_.answer(200, kStarted);
  host_.answer(200, kStarted);
  EXPECT_THAT(sent({"operator", "rekey", "-nonce=n1", "-"}).back(),
              HasSubstr(R"({"key":"from-input","nonce":"n1"})"));
  EXPECT_THAT(host_.console.complained, Not(HasSubstr("from-input")));
  host_.answer(200, kIdle);
  sent({"operator", "rekey", "-nonce=n1", "-"}, 1);
  EXPECT_THAT(host_.console.complained, HasSubstr("rekey -init"));
}

TEST_F(Commands, RekeyProvesEveryShareInOneRun) {
  host_.console.typed = "a-new-share";
  constexpr auto kVerify =
      R"({"nonce":"v","started":true,"t":2,"n":2,"progress":)";
  host_.answer(200, std::string(kVerify) + "0}");
  host_.answer(200, std::string(kVerify) + "1}");
  host_.answer(200, R"({"nonce":"v","complete":true})");
  EXPECT_THAT(sent({"operator", "rekey", "-verify-all"}),
              ElementsAre("GET sys/rekey/verify",
                          R"(PUT sys/rekey/verify {"key":"a-new-share",)"
                          R"("nonce":"v"})",
                          R"(PUT sys/rekey/verify {"key":"a-new-share",)"
                          R"("nonce":"v"})"));
  EXPECT_THAT(printed(), HasSubstr("Success!"));
  host_.console.input = "one\n\n two \n";
  host_.answer(200, std::string(kVerify) + "0}");
  host_.answer(200, std::string(kVerify) + "1}");
  host_.answer(200, R"({"nonce":"v","complete":true})");
  EXPECT_EQ(sent({"operator", "rekey", "-verify-all", "-nonce=v", "-"}).back(),
            R"(PUT sys/rekey/verify {"key":"two","nonce":"v"})");
}

TEST_F(Commands, RekeyCancelsWithItsNonce) {
  host_.answer(200, kStarted);
  host_.answer(204);
  EXPECT_THAT(sent({"operator", "rekey", "-cancel"}),
              ElementsAre("GET sys/rekey/init",
                          R"(DELETE sys/rekey/init {"nonce":"the-nonce"})"));
  host_.answer(204);
  EXPECT_THAT(sent({"operator", "rekey", "-cancel", "-nonce=n"}),
              ElementsAre(R"(DELETE sys/rekey/init {"nonce":"n"})"));
  host_.answer(200, R"({"nonce":"v","started":true})");
  EXPECT_THAT(sent({"operator", "rekey", "-cancel", "-verify"}),
              ElementsAre("DELETE sys/rekey/verify"));
}

TEST_F(Commands, RekeyBackups) {
  host_.answer(200, R"({"data":{"nonce":"n","keys":{"aa":["bb"]}}})");
  EXPECT_THAT(sent({"operator", "rekey", "-backup-retrieve"}),
              ElementsAre("GET sys/rekey/backup"));
  EXPECT_THAT(printed(), HasSubstr("aa"));
  host_.answer(204);
  EXPECT_THAT(sent({"operator", "rekey", "-backup-delete", "-target=recovery"}),
              ElementsAre("DELETE sys/rekey/recovery-key-backup"));
}

TEST(PgpFiles, AreTakenInEveryForm) {
  const std::string binary = "\x98\x33\x04";
  const std::string base64 = base64_encode(as_bytes(binary));
  EXPECT_EQ(pgp_key_text(binary), base64);
  EXPECT_EQ(pgp_key_text(base64 + "\n"), base64);
  EXPECT_EQ(pgp_key_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n"
                         "Comment: x\r\n\r\nmDME\r\nAAAA\r\n=abcd\r\n"
                         "-----END PGP PUBLIC KEY BLOCK-----\r\n"),
            "mDMEAAAA");
  EXPECT_EQ(pgp_key_text("-----BEGIN PGP PUBLIC KEY BLOCK-----"), "");
  EXPECT_FALSE(read_pgp_keys({"keybase:someone"}));
  EXPECT_FALSE(read_pgp_keys({"/nonexistent"}));
  EXPECT_TRUE(read_pgp_keys({})->empty());
}

TEST_F(Commands, InitEncryptsToFiles) {
  const auto file = host_.home / "key.gpg";
  std::ofstream(file) << "mDMEAAAA\n";
  host_.answer(200, R"({"keys":["aa"],"keys_base64":["qg=="],)"
                    R"("root_token":"t"})");
  EXPECT_THAT(
      sent({"operator", "init", "-n=1", "-t=1", "-pgp-keys=" + file.string(),
            "-root-token-pgp-key=" + file.string()}),
      ElementsAre(R"(PUT sys/init {"secret_shares":1,)"
                  R"("secret_threshold":1,"pgp_keys":["mDMEAAAA"],)"
                  R"("root_token_pgp_key":"mDMEAAAA"})"));
  sent({"operator", "init", "-n=1", "-t=1", "-pgp-keys=/nonexistent"}, 1);
}

constexpr auto kAttempt =
    R"({"nonce":"g","started":true,"progress":1,"required":2,)"
    R"("complete":false,"encoded_token":"","otp":"","otp_length":26})";

TEST_F(Commands, GenerateRoot) {
  host_.answer(200, kAttempt);
  EXPECT_THAT(sent({"operator", "generate-root", "-init"}),
              ElementsAre("PUT sys/generate-root/attempt {}"));
  host_.console.typed = "typed-share";
  host_.answer(200, kAttempt);
  host_.answer(200, kAttempt);
  EXPECT_THAT(sent({"operator", "generate-root"}),
              ElementsAre("GET sys/generate-root/attempt",
                          R"(PUT sys/generate-root/update )"
                          R"({"key":"typed-share","nonce":"g"})"));
  host_.answer(204);
  EXPECT_THAT(sent({"operator", "generate-root", "-cancel"}),
              ElementsAre("DELETE sys/generate-root/attempt"));
  host_.answer(200, kAttempt);
  sent({"operator", "generate-root", "-generate-otp"});
  EXPECT_EQ(printed().size(), 26U);
}

TEST_F(Commands, GenerateRootDecodesHere) {
  constexpr auto kEncoded = "Qx9zcXdxc3F/cSgoKCgoKCg4ODg4ODg4OCg";
  constexpr auto kOtp = "0123456789abcdefghijklmnop";
  EXPECT_THAT(
      sent({"operator", "generate-root", std::string("-decode=") + kEncoded,
            std::string("-otp=") + kOtp}),
      ElementsAre());
  EXPECT_EQ(printed(), "s.ABCDEFGHIJKLMNOPQRSTUVWX");
  host_.console.typed = kOtp;
  sent({"operator", "generate-root", std::string("-decode=") + kEncoded});
  EXPECT_EQ(printed(), "s.ABCDEFGHIJKLMNOPQRSTUVWX");
  sent({"operator", "generate-root", "-decode=AAAA", "-otp=x"}, 1);
}

TEST_F(Commands, RotateConfig) {
  constexpr auto kConfig =
      R"({"data":{"enabled":true,"interval":0,"max_operations":1000000}})";
  host_.answer(200, kConfig);
  EXPECT_THAT(sent({"operator", "rotate-config"}),
              ElementsAre("GET sys/rotate/config"));
  EXPECT_THAT(printed(), HasSubstr("max_operations    1000000"));
  host_.answer(204);
  host_.answer(200, kConfig);
  EXPECT_EQ(sent({"operator", "rotate-config", "-enabled=false",
                  "-interval=48h", "-max-operations=1000000"})
                .front(),
            R"(PUT sys/rotate/config {"enabled":false,)"
            R"("max_operations":1000000,"interval":"48h"})");
}

}  // namespace
}  // namespace bulla::cli
