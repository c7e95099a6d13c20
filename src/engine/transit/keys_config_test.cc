#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class KeysConfigTest : public TransitTest {
 protected:
  void SetUp() override {
    make_key("k");
    for (int i = 0; i < 4; ++i) rotate("k");
  }
  std::string error(std::string_view body) {
    return post_error("keys/k/config", body);
  }
  void config(std::string_view body) { must(post("keys/k/config", body)); }
};

TEST_F(KeysConfigTest, MissingKey) {
  EXPECT_EQ(post_error("keys/no/config"),
            "no existing key named no could be found");
}

TEST_F(KeysConfigTest, MinimumsAreChecked) {
  EXPECT_EQ(error(R"({"min_decryption_version":-1})"),
            "min decryption version cannot be negative");
  EXPECT_EQ(error(R"({"min_decryption_version":6})"),
            "cannot set min decryption version of 6, latest key version is 5");
  EXPECT_EQ(error(R"({"min_encryption_version":-1})"),
            "min encryption version cannot be negative");
  EXPECT_EQ(error(R"({"min_encryption_version":6})"),
            "cannot set min encryption version of 6, latest key version is 5");
  EXPECT_EQ(
      error(R"({"min_decryption_version":3,"min_encryption_version":2})"),
      "cannot set min encryption/decryption values; min encryption version of "
      "2 must be greater than or equal to min decryption version of 3");
  EXPECT_EQ(error(R"({"auto_rotate_period":3599,"deletion_allowed":true})"),
            "auto rotate period must be 0 to disable or at least an hour");
  // Nothing of a refused change is kept.
  EXPECT_EQ(get("keys/k").at("/min_decryption_version"), "1");
  EXPECT_EQ(get("keys/k").at("/deletion_allowed"), "false");
}

TEST_F(KeysConfigTest, ZeroDecryptionMinimumIsOne) {
  const Outcome outcome =
      post("keys/k/config", R"({"min_decryption_version":0})");
  must(outcome);
  EXPECT_EQ(outcome.at("/min_decryption_version"), "1");
  EXPECT_THAT(outcome.response.warnings,
              testing::ElementsAre(
                  "since Vault 0.3 (prior to the OpenBao fork), transit key "
                  "numbering starts at 1; forcing minimum to 1"));
}

TEST_F(KeysConfigTest, SomeFlagsAreOneWay) {
  config(R"({"exportable":true,"allow_plaintext_backup":true,)"
         R"("deletion_allowed":true,"auto_rotate_period":"2h"})");
  config(R"({"exportable":false,"allow_plaintext_backup":false,)"
         R"("deletion_allowed":false})");
  const Outcome body = get("keys/k");
  EXPECT_EQ(body.at("/exportable"), "true");
  EXPECT_EQ(body.at("/allow_plaintext_backup"), "true");
  EXPECT_EQ(body.at("/deletion_allowed"), "false");
  EXPECT_EQ(body.at("/auto_rotate_period"), "7200");
}

TEST_F(KeysConfigTest, TheWorkingSetFollowsTheMinimum) {
  const std::string sealed = encrypt("k", "x", R"(,"key_version":2)");
  config(R"({"min_decryption_version":3})");
  EXPECT_EQ(get("keys/k").at("/keys/2"), "<absent>");
  EXPECT_EQ(get("keys/k").at("/keys/3"), "1700000000");
  EXPECT_EQ(decrypt("k", sealed),
            "ciphertext or signature version is disallowed by policy (too "
            "old)");
  EXPECT_EQ(snapshot("k")->loaded(2), nullptr);
  // They stay in store, and come back.
  EXPECT_EQ(stored_versions("k"), 5U);
  config(R"({"min_decryption_version":1})");
  EXPECT_EQ(decrypt("k", sealed), "x");
}

TEST_F(KeysConfigTest, MinimumsStayAboveWhatWasTrimmed) {
  config(R"({"min_decryption_version":3,"min_encryption_version":4})");
  must(post("keys/k/trim", R"({"min_available_version":3})"));
  EXPECT_EQ(error(R"({"min_decryption_version":2})"),
            "min decryption version should not be less then min available "
            "version");
  EXPECT_EQ(
      error(R"({"min_decryption_version":1,"min_encryption_version":2})"),
      "min encryption version should not be less than min available version");
}

}  // namespace
}  // namespace bulla::engine::transit
