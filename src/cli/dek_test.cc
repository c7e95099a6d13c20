#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_fixture.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kId = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9";
constexpr std::string_view kDek =
    R"({"id":"0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9","name":"first",)"
    R"("description":"","algorithm":"AES-GCM-256","scope":"default",)"
    R"("status":"active","usage":3,"encryptions":9,"created_at":"c",)"
    R"("updated_at":"u","version":1})";

std::string listed() {
  return R"({"data":{"keys":[")" + std::string(kId) + R"("],"key_info":{")" +
         std::string(kId) + "\":" + std::string(kDek) + "}}}";
}
std::string shown() { return R"({"data":)" + std::string(kDek) + "}"; }
std::string path() { return "sys/encryption-keys/" + std::string(kId); }

TEST_F(Commands, DeksAreListedAndShown) {
  host_.answer(200, listed());
  EXPECT_THAT(sent({"dek", "list"}),
              ElementsAre("GET sys/encryption-keys?list=true"));
  EXPECT_THAT(printed(), HasSubstr("first    AES-GCM-256    default    active "
                                   "   3          c"));
  host_.answer(200, shown());
  EXPECT_THAT(sent({"dek", "show", std::string(kId)}),
              ElementsAre("GET " + path()));
  EXPECT_THAT(printed(), HasSubstr("Encryptions    9\n"));
  host_.answer(200, listed());
  host_.answer(200, shown());
  EXPECT_THAT(
      sent({"dek", "show", "first"}),
      ElementsAre("GET sys/encryption-keys?list=true", "GET " + path()));
  host_.answer(200, listed());
  sent({"dek", "show", "other"}, 1);
  EXPECT_THAT(host_.console.complained, HasSubstr("there is no DEK \"other\""));
  host_.answer(404, R"({"errors":[]})");
  sent({"dek", "show", std::string(kId)}, 2);
}

TEST_F(Commands, DeksAreAddedAndChanged) {
  host_.answer(200, shown());
  EXPECT_THAT(sent({"dek", "add", "-name=n", "-algorithm=AES-GCM-128",
                    "-scope=s", "-description=d"}),
              ElementsAre(R"(PUT sys/encryption-keys {"name":"n",)"
                          R"("description":"d","algorithm":"AES-GCM-128",)"
                          R"("scope":"s"})"));
  EXPECT_TRUE(sent({"dek", "add"}, 1).empty());
  host_.answer(200, shown());
  EXPECT_THAT(sent({"dek", "edit", "-name=n", "-cas=1", std::string(kId)}),
              ElementsAre("PUT " + path() + R"( {"name":"n","cas":1})"));
  EXPECT_TRUE(sent({"dek", "edit", std::string(kId)}, 1).empty());
  host_.answer(200, shown());
  EXPECT_THAT(sent({"dek", "deactivate", std::string(kId)}),
              ElementsAre("PUT " + path() + R"( {"status":"inactive"})"));
  host_.answer(400, R"({"errors":["in use"]})");
  sent({"dek", "deactivate", std::string(kId)}, 2);
  EXPECT_THAT(host_.console.complained, HasSubstr("in use"));
}

TEST_F(Commands, RecordsOfADek) {
  host_.answer(200, R"({"data":{"total":3,"keys":["a"],"key_info":{"a":)"
                    R"({"type":"cert","name":"kv/x","version":2,)"
                    R"("created_at":"c","updated_at":"u"}}}})");
  EXPECT_THAT(sent({"dek", "usage", "-type=cert", "-after=0", "-limit=1",
                    std::string(kId)}),
              ElementsAre("GET " + path() +
                          "/usage?list=true&type=cert&after=0&limit=1"));
  EXPECT_THAT(printed(), HasSubstr("a     cert    kv/x    2"));
  EXPECT_THAT(printed(), HasSubstr("1 of 3 records"));
}

std::string job(const std::string& state, int done,
                const std::string& error = "") {
  return R"({"data":{"id":"j","state":")" + state + R"(","total":600,)" +
         R"("reencrypted":)" + std::to_string(done) +
         R"(,"records_per_second":120.5,"eta_seconds":3,"error":")" + error +
         R"("}})";
}

TEST_F(Commands, ReencryptWatchesItsJob) {
  host_.answer(200, job("running", 0));
  host_.answer(200, job("running", 300));
  host_.answer(200, job("complete", 600));
  EXPECT_THAT(sent({"reencrypt", "-scope=s", "-limit=600", "-rate=9"}),
              ElementsAre(R"(PUT sys/encryption-keys/reencrypt )"
                          R"({"scope":"s","limit":600,"rate":9})",
                          "GET sys/jobs/j", "GET sys/jobs/j"));
  EXPECT_EQ(host_.console.complained, "[300/600] 120/s, 3s left\n");
  EXPECT_EQ(printed(), "Success! Re-encrypted 600 records.\n");
}

TEST_F(Commands, ReencryptDrawsABarOnATerminal) {
  host_.console.terminal = true;
  host_.answer(200, job("running", 0));
  host_.answer(200, job("running", 300));
  host_.answer(200, job("complete", 600));
  sent({"reencrypt"});
  EXPECT_THAT(host_.console.complained, HasSubstr("] 300/600 120/s, 3s left"));
  EXPECT_THAT(host_.console.complained, testing::EndsWith("\r\x1b[2K"));
}

TEST_F(Commands, ReencryptTellsOfWhatDoesNotGetOn) {
  host_.answer(200, job("running", 0));
  host_.answer(200, job("running", 5, "no space left"));
  host_.answer(200, job("failed", 6, "altered"));
  sent({"reencrypt"}, 2);
  EXPECT_THAT(host_.console.complained,
              HasSubstr("[5/600] waits: no space left\n"));
  EXPECT_THAT(host_.console.complained, HasSubstr("failed: altered"));
  host_.answer(200, job("paused", 6));
  sent({"reencrypt"}, 2);
  EXPECT_THAT(host_.console.complained,
              HasSubstr("`bulla write -f sys/jobs/j/resume`"));
  host_.answer(400, R"({"errors":["job x is running"]})");
  sent({"reencrypt"}, 2);
}

TEST_F(Commands, ReencryptDryRunOnlyCounts) {
  host_.answer(200, R"({"data":{"dry_run":true,"total":600}})");
  EXPECT_THAT(sent({"reencrypt", "-dry-run"}),
              ElementsAre(R"(PUT sys/encryption-keys/reencrypt )"
                          R"({"dry_run":true})"));
  EXPECT_EQ(printed(), "600 records would be re-encrypted.\n");
}

TEST_F(Commands, ReencryptTheStoreOfAStoppedServer) {
  host_.answer(200, job("complete", 7));
  EXPECT_EQ(sent({"reencrypt", "-config=bulla.hcl"}).size(), 1U);
  EXPECT_THAT(host_.store_config, ElementsAre("bulla.hcl"));
  EXPECT_EQ(printed(), "Success! Re-encrypted 7 records.\n");
  host_.store_opens = false;
  EXPECT_TRUE(sent({"reencrypt", "-config=bulla.hcl"}, 1).empty());
  EXPECT_THAT(host_.console.complained, HasSubstr("stop the server"));
}

constexpr std::string_view kFirstPage =
    R"({"data":{"bodies":0,"cursor":"bmV4dA","problems":[],"records":2,)"
    R"("uses":0}})";

TEST_F(Commands, CheckAsksUntilAllIsSeen) {
  host_.answer(200, std::string(kFirstPage));
  host_.answer(200,
               R"({"data":{"bodies":1,"cursor":"","problems":[],"records":0,)"
               R"("uses":2}})");
  EXPECT_THAT(sent({"operator", "check"}),
              ElementsAre("PUT sys/encryption-keys/check {}",
                          R"(PUT sys/encryption-keys/check )"
                          R"({"cursor":"bmV4dA"})"));
  EXPECT_EQ(printed(),
            "Success! 2 records, 1 body and 2 entries of their index agree.\n");
  EXPECT_EQ(host_.console.complained, "");
}

TEST_F(Commands, CheckTellsWhatItFound) {
  host_.answer(200, std::string(kFirstPage));
  host_.answer(200, R"({"data":{"bodies":1,"cursor":"",)"
                    R"("problems":["secret/: a","secret/: b"],"records":0,)"
                    R"("uses":2}})");
  sent({"operator", "check"}, 2);
  EXPECT_EQ(printed(), "secret/: a\nsecret/: b\n");
  EXPECT_THAT(host_.console.complained, HasSubstr("2 do not agree"));
  host_.answer(403, R"({"errors":["permission denied"]})");
  sent({"operator", "check"}, 2);
}

TEST_F(Commands, CheckTheStoreOfAStoppedServer) {
  host_.answer(200,
               R"({"data":{"bodies":0,"cursor":"","problems":[],"records":0,)"
               R"("uses":0}})");
  EXPECT_EQ(sent({"operator", "check", "-config=bulla.hcl"}).size(), 1U);
  EXPECT_THAT(host_.store_config, ElementsAre("bulla.hcl"));
  host_.store_opens = false;
  EXPECT_TRUE(sent({"operator", "check", "-config=bulla.hcl"}, 1).empty());
}

}  // namespace
}  // namespace bulla::cli
