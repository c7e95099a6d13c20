#include <gmock/gmock.h>

#include "base/encoding.h"
#include "cli/command_fixture.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kFrom = "http://source:8200/v1/";

std::string aes_key(std::string_view more) {
  return R"({"data":{"name":"k","type":"aes256-gcm96","latest_version":2,)"
         R"("min_decryption_version":1,"min_encryption_version":0,)"
         R"("keys":{"1":1700000000,"2":1700000001})" +
         std::string(more) + "}}";
}
constexpr auto kExported =
    R"({"data":{"keys":{"1":"AQ==","2":"Ag=="},"name":"k"}})";
constexpr auto kThere =
    R"({"data":{"name":"k","type":"aes256-gcm96","latest_version":2}})";

class Migrate : public Commands {
 protected:
  Migrate() {
    host_.variables["BULLA_FROM_TOKEN"] = "source-token-1";
    host_.variables["BULLA_TOKEN"] = "target-token-1";
  }
  void answer_names(std::string_view source, std::string_view target) {
    host_.answer(200, R"({"data":{"keys":[)" + std::string(source) + "]}}");
    if (target.empty()) {
      host_.answer(404, R"({"errors":[]})");
    } else {
      host_.answer(200, R"({"data":{"keys":[)" + std::string(target) + "]}}");
    }
  }
  /// The requests of a run, by which server got them.
  std::vector<std::string> migrate(std::vector<std::string> more,
                                   int code = 0) {
    more.insert(more.begin(),
                {"transit", "migrate", "-from-address=http://source:8200/"});
    std::vector<std::string> lines;
    for (std::string line : sent(more, code)) {
      const auto at = line.find(kFrom);
      if (at != std::string::npos) line.replace(at, kFrom.size(), "FROM ");
      lines.push_back(line.substr(0, line.find(" {")));
    }
    return lines;
  }
  /// The backup that request `i` restores.
  Value restored(std::size_t i) {
    const Value body = parse_value(host_.requests.at(i).body).value();
    EXPECT_EQ(body.text_of("source"), "openbao");
    return parse_value(to_text(base64_decode(body.text_of("backup")).value()))
        .value();
  }
};

TEST_F(Migrate, WhatIsExportedBecomesABackup) {
  answer_names(R"("k")", "");
  host_.answer(200, aes_key(R"(,"exportable":true,"auto_rotate_period":3600)"));
  host_.answer(200, kExported);
  host_.answer(200, R"({"data":{"keys":{"1":"Aw==","2":"BA=="}}})");
  host_.answer(204);
  host_.answer(200, kThere);
  EXPECT_THAT(
      migrate({}),
      ElementsAre("GET FROM transit/keys?list=true",
                  "GET transit/keys?list=true", "GET FROM transit/keys/k",
                  "GET FROM transit/export/encryption-key/k",
                  "GET FROM transit/export/hmac-key/k", "PUT transit/restore/k",
                  "GET transit/keys/k"));
  EXPECT_EQ(host_.header(0, "X-Vault-Token"), "source-token-1");
  EXPECT_EQ(host_.header(1, "X-Vault-Token"), "target-token-1");
  const Value backup = restored(5);
  const Value& policy = *backup.find("policy");
  EXPECT_EQ(policy.find("auto_rotate_period")->text, "3600000000000");
  EXPECT_EQ(policy.integer_of("latest_version"), 2);
  const Value& second = *policy.find("keys")->find("2");
  EXPECT_EQ(second.text_of("key"), "Ag==");
  EXPECT_EQ(second.text_of("hmac_key"), "BA==");
  EXPECT_EQ(second.text_of("time"), "2023-11-14T22:13:21Z");
  EXPECT_EQ(backup.find("archived_keys")->find("keys")->items.size(), 3U);
  EXPECT_THAT(printed(), HasSubstr("moved by export"));
  EXPECT_THAT(host_.console.complained, HasSubstr("[1/1] k: moved by export"));
  EXPECT_THAT(host_.console.complained,
              HasSubstr("1 moved, 0 skipped, 0 not moved."));
}

TEST_F(Migrate, ABackupIsReadByTheTypeThatTheSourceSays) {
  answer_names(R"("k")", R"("other")");
  host_.answer(200, R"({"data":{"name":"k","type":"hmac","latest_version":1,)"
                    R"("exportable":true,"allow_plaintext_backup":true}})");
  const std::string backup =
      R"({"policy":{"name":"k","type":11,"big":123456789012345678901234}})";
  host_.answer(200, R"({"data":{"backup":")" +
                        base64_encode(as_bytes(backup + "\n")) + R"("}})");
  host_.answer(204);
  host_.answer(200, R"({"data":{"type":"hmac","latest_version":1}})");
  EXPECT_THAT(migrate({"-mount=a/b", "-from-mount=/c/"}),
              ElementsAre("GET FROM c/keys?list=true", "GET a/b/keys?list=true",
                          "GET FROM c/keys/k", "GET FROM c/backup/k",
                          "PUT a/b/restore/k", "GET a/b/keys/k"));
  const Value policy = *restored(4).find("policy");
  EXPECT_EQ(policy.integer_of("type"), 10);
  EXPECT_EQ(policy.find("big")->text, "123456789012345678901234");
}

TEST_F(Migrate, ADryRunReadsNoSecret) {
  answer_names(R"("k","m")", "");
  host_.answer(200, aes_key(R"(,"exportable":true)"));
  host_.answer(200, aes_key(R"(,"exportable":false)"));
  EXPECT_THAT(
      migrate({"-dry-run", "-format=json"}, 2),
      ElementsAre("GET FROM transit/keys?list=true",
                  "GET transit/keys?list=true", "GET FROM transit/keys/k",
                  "GET FROM transit/keys/m"));
  const Value out = parse_value(printed()).value();
  EXPECT_EQ(out.integer_of("planned"), 1);
  EXPECT_EQ(out.integer_of("failed"), 1);
  EXPECT_THAT(out.find("keys")->items[1].text_of("reason"),
              HasSubstr("not exportable"));
}

// OpenBao lists the folder of its wrapping key beside the keys.
TEST_F(Migrate, FoldersAreNoKeys) {
  answer_names(R"("import/","k")", "");
  host_.answer(200, aes_key(R"(,"exportable":true)"));
  EXPECT_THAT(
      migrate({"-dry-run"}),
      ElementsAre("GET FROM transit/keys?list=true",
                  "GET transit/keys?list=true", "GET FROM transit/keys/k"));
  EXPECT_THAT(host_.console.complained, HasSubstr("1 to move, 0 skipped, 0"));
}

TEST_F(Migrate, TellsWhatToTryAtTheSource) {
  host_.answer(403, R"({"errors":["permission denied"]})");
  migrate({}, 2);
  EXPECT_THAT(host_.console.complained, HasSubstr("Next: the source's token"));
  host_.answer(404, R"({"errors":["no handler for route \"x\""]})");
  migrate({}, 2);
  EXPECT_THAT(host_.console.complained, HasSubstr("Next: -from-mount"));
  EXPECT_THAT(host_.console.complained, Not(HasSubstr("bulla login")));
}

TEST_F(Migrate, LeavesAloneWhatIsThere) {
  answer_names(R"("k","m")", R"("k")");
  EXPECT_THAT(migrate({"-keys=k*"}),
              ElementsAre("GET FROM transit/keys?list=true",
                          "GET transit/keys?list=true"));
  EXPECT_THAT(printed(), HasSubstr("skipped: it exists"));
  answer_names(R"("k","m")", R"("k")");
  host_.answer(200, aes_key(R"(,"exportable":true)"));
  host_.answer(200, kExported);
  host_.answer(200, kExported);
  host_.answer(204);
  host_.answer(200, kThere);
  migrate({"-keys=k", "-force"});
  EXPECT_TRUE(parse_value(host_.requests.at(5).body).value().flag_of("force"));
}

TEST_F(Migrate, SaysWhatCannotBeMoved) {
  answer_names(R"("a","b","c","d")", "");
  host_.answer(200, R"({"data":{"name":"a","type":"ml-dsa"}})");
  host_.answer(403, R"({"errors":["1 error occurred:\n\t* denied\n\n"]})");
  host_.answer(200, aes_key(R"(,"exportable":true,"derived":true,)"
                            R"("convergent_encryption":true,)"
                            R"("convergent_encryption_version":2)"));
  host_.answer(200, aes_key(R"(,"exportable":true)"));
  host_.answer(200, R"({"data":{"keys":{"1":"AQ=="}}})");
  host_.answer(200, kExported);
  migrate({}, 2);
  EXPECT_THAT(printed(), HasSubstr("no keys of type ml-dsa"));
  EXPECT_THAT(printed(),
              HasSubstr("transit/keys/b: 1 error occurred: * denied"));
  EXPECT_THAT(printed(), HasSubstr("no longer used"));
  EXPECT_THAT(printed(), HasSubstr("version 2 is not in the export"));
  EXPECT_THAT(host_.console.complained,
              HasSubstr("0 moved, 0 skipped, 4 not moved."));
}

TEST_F(Migrate, TellsOfVersionsThatStayBehind) {
  answer_names(R"("k")", "");
  host_.answer(200, aes_key(R"(,"exportable":true)"));
  host_.answer(200, R"({"data":{"keys":{"2":"Ag=="}}})");
  host_.answer(200, R"({"data":{"keys":{"2":"BA=="}}})");
  host_.answer(204);
  host_.answer(200, kThere);
  migrate({});
  EXPECT_THAT(printed(), HasSubstr("without versions before 2"));
  const Value backup = restored(5);
  const Value& policy = *backup.find("policy");
  EXPECT_EQ(policy.integer_of("min_available_version"), 2);
  EXPECT_EQ(policy.integer_of("min_decryption_version"), 2);
  EXPECT_EQ(backup.find("archived_keys")->find("keys")->items.size(), 1U);
}

TEST_F(Migrate, LooksAtWhatItMade) {
  answer_names(R"("k")", "");
  host_.answer(200, aes_key(R"(,"exportable":true)"));
  host_.answer(200, kExported);
  host_.answer(200, kExported);
  host_.answer(204);
  host_.answer(200, R"({"data":{"type":"hmac","latest_version":2}})");
  migrate({}, 2);
  EXPECT_THAT(printed(), HasSubstr("not the same key"));
}

TEST_F(Migrate, AsksForASource) {
  EXPECT_EQ(host_.run({"transit", "migrate"}), 1);
  EXPECT_THAT(host_.console.complained, HasSubstr("-from-address"));
  host_.variables.erase("BULLA_FROM_TOKEN");
  migrate({}, 1);
  EXPECT_THAT(host_.console.complained, HasSubstr("-from-token-file"));
  host_.console.input = "hvs.from-input\n";
  answer_names("", "");
  migrate({"-from-token-file=-"});
  EXPECT_EQ(host_.header(0, "X-Vault-Token"), "hvs.from-input");
  EXPECT_THAT(printed(), HasSubstr("no such keys"));
}

TEST_F(Migrate, HidesTheSourcesToken) {
  host_.answer(403, R"({"errors":["bad source-token-1"]})");
  migrate({}, 2);
  EXPECT_THAT(host_.console.complained, Not(HasSubstr("source-token-1")));
  host_.answer(200, R"({"data":{"keys":["k"]}})");
  host_.answer(404, R"({"errors":["no handler for route \"x\""]})");
  migrate({}, 2);
  EXPECT_THAT(host_.console.complained, HasSubstr("no handler for route"));
}

}  // namespace
}  // namespace bulla::cli
