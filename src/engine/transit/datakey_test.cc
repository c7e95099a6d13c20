#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class DatakeyTest : public TransitTest {};

TEST_F(DatakeyTest, PlaintextIsWhatTheCiphertextHolds) {
  make_key("k");
  for (const std::size_t bits : {128U, 256U, 512U}) {
    const Outcome outcome =
        post("datakey/plaintext/k", fmt::format(R"({{"bits":{}}})", bits));
    must(outcome);
    const std::string plaintext = outcome.at("/plaintext");
    EXPECT_EQ(base64_decode(plaintext).value().size(), bits / 8);
    EXPECT_EQ(b64(decrypt("k", outcome.at("/ciphertext"))), plaintext);
    EXPECT_EQ(outcome.at("/key_version"), "1");
  }
  EXPECT_EQ(base64_decode(post("datakey/plaintext/k").at("/plaintext"))
                .value()
                .size(),
            32U);
}

TEST_F(DatakeyTest, WrappedShowsNoPlaintext) {
  make_key("k");
  const Outcome outcome = post("datakey/wrapped/k");
  EXPECT_EQ(outcome.at("/plaintext"), "<absent>");
  EXPECT_EQ(decrypt("k", outcome.at("/ciphertext")).size(), 32U);
}

TEST_F(DatakeyTest, BindsContextAndAssociatedData) {
  make_key("d", R"({"derived":true})");
  const std::string_view more = R"("context":"eA==","associated_data":"YWFk")";
  const Outcome outcome =
      post("datakey/wrapped/d", fmt::format("{{{}}}", more));
  EXPECT_EQ(
      decrypt("d", outcome.at("/ciphertext"), fmt::format(",{}", more)).size(),
      32U);
  EXPECT_EQ(decrypt("d", outcome.at("/ciphertext"), R"(,"context":"eA==")"),
            "cipher: message authentication failed");
}

TEST_F(DatakeyTest, Errors) {
  make_key("k");
  make_key("mac", R"({"type":"hmac"})");
  EXPECT_EQ(post_error("datakey/other/k"),
            "Invalid path, must be 'plaintext' or 'wrapped'");
  EXPECT_EQ(post_error("datakey/wrapped/no"), "encryption key not found");
  EXPECT_EQ(post_error("datakey/wrapped/k", R"({"bits":192})"),
            "invalid bit length");
  EXPECT_EQ(post_error("datakey/wrapped/k", R"({"context":"!"})"),
            "failed to base64-decode context");
  EXPECT_EQ(post_error("datakey/wrapped/mac"),
            "message encryption not supported for key type hmac");
  make_key("rsa", R"({"type":"rsa-2048"})");
  EXPECT_EQ(post_error("datakey/wrapped/rsa", R"({"associated_data":"YQ=="})"),
            "'associated_data' provided for non-AEAD cipher suite rsa-2048");
  EXPECT_EQ(post_error("datakey/wrapped/k", R"({"key_version":9})"),
            "requested version for encryption is higher than the latest key "
            "version");
}

}  // namespace
}  // namespace bulla::engine::transit
