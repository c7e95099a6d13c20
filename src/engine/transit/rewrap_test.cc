#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class RewrapTest : public TransitTest {
 protected:
  Outcome rewrap(std::string_view ciphertext, std::string_view more = {}) {
    return post("rewrap/k",
                fmt::format(R"({{"ciphertext":"{}"{}}})", ciphertext, more));
  }
};

TEST_F(RewrapTest, MovesToTheLatestVersion) {
  make_key("k");
  const std::string old = encrypt("k", "text");
  rotate("k");
  const Outcome outcome = rewrap(old);
  must(outcome);
  EXPECT_EQ(outcome.at("/key_version"), "2");
  EXPECT_THAT(outcome.at("/ciphertext"), testing::StartsWith("vault:v2:"));
  EXPECT_EQ(decrypt("k", outcome.at("/ciphertext")), "text");
  EXPECT_EQ(rewrap(old, R"(,"key_version":1)").at("/key_version"), "1");
}

TEST_F(RewrapTest, DerivedKeysUseOneContextForBoth) {
  make_key("k", R"({"derived":true})");
  const std::string_view context = R"(,"context":"eA==")";
  const Outcome outcome = rewrap(encrypt("k", "text", context), context);
  EXPECT_EQ(decrypt("k", outcome.at("/ciphertext"), context), "text");
}

TEST_F(RewrapTest, AssociatedDataDoesNotRewrap) {
  make_key("k");
  const std::string bound = encrypt("k", "x", R"(,"associated_data":"YQ==")");
  EXPECT_EQ(rewrap(bound).error, "cipher: message authentication failed");
}

TEST_F(RewrapTest, BatchIsAlwaysOk) {
  make_key("k");
  const Outcome outcome =
      post("rewrap/k", fmt::format(R"({{"batch_input":[{{"ciphertext":"{}",)"
                                   R"("reference":"a"}},{{}}]}})",
                                   encrypt("k", "x")));
  must(outcome);
  EXPECT_EQ(outcome.status(), 0);
  EXPECT_EQ(outcome.at("/batch_results/0/reference"), "a");
  EXPECT_EQ(outcome.at("/batch_results/1"),
            R"({"error":"missing ciphertext to decrypt","reference":""})");
}

TEST_F(RewrapTest, Errors) {
  make_key("k");
  EXPECT_EQ(post_error("rewrap/k"), "missing ciphertext to decrypt");
  EXPECT_EQ(post_error("rewrap/no", R"({"ciphertext":"vault:v1:AA=="})"),
            "encryption key not found");
  EXPECT_EQ(post("rewrap/k", R"({"batch_input":[{"ciphertext":1}]})").code,
            ErrorCode::kInternal);
}

}  // namespace
}  // namespace bulla::engine::transit
