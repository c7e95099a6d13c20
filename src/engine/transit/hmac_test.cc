#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class HmacTest : public TransitTest {};

TEST_F(HmacTest, ReferenceVectors) {
  // plant() gives every key the reference's HMAC key, 00 01 … 1f.
  plant("k", KeyType::kAes256Gcm96, counting(32));
  plant("own", KeyType::kHmac, counting(32));
  const std::string body = R"({"input":"aGVsbG8gd29ybGQ="})";
  for (const char* name : {"k", "own"}) {
    EXPECT_EQ(post(fmt::format("hmac/{}", name), body).data,
              R"({"hmac":"vault:v1:)"
              R"(QRuaUehWXh/HlkOypsRnL0o8Plc8M9CZWgh0jLYSjo4="})");
    EXPECT_EQ(
        post(fmt::format("hmac/{}/sha2-512", name), body).at("/hmac"),
        "vault:v1:CSOXpB7QkSBCxtsiUAojF7QYhExBGGRy1LANPl2r2+3KdZJpTUevKY5xYuu6+"
        "H5d1toiG0a7BZt7JDL6dHF87Q==");
  }
}

TEST_F(HmacTest, UrlAlgorithmComesBeforeTheBodys) {
  make_key("k");
  const std::string_view body = R"({"input":"eA==","algorithm":"sha3-256"})";
  EXPECT_EQ(post("hmac/k/sha2-256", body).at("/hmac"),
            post("hmac/k", R"({"input":"eA=="})").at("/hmac"));
  EXPECT_NE(post("hmac/k", body).at("/hmac"),
            post("hmac/k", R"({"input":"eA=="})").at("/hmac"));
}

TEST_F(HmacTest, Errors) {
  make_key("k");
  EXPECT_EQ(post_error("hmac/no", R"({"input":""})"),
            "encryption key not found");
  EXPECT_EQ(post_error("hmac/k"), "missing input for HMAC");
  EXPECT_EQ(post_error("hmac/k", R"({"input":"!"})"),
            "unable to decode input as base64: illegal base64 data at input "
            "byte 0");
  EXPECT_EQ(post_error("hmac/k/md5", R"({"input":""})"),
            "unsupported algorithm \"md5\"");
  EXPECT_EQ(post_error("hmac/k/none", R"({"input":""})"),
            "algorithm cannot be none");
  EXPECT_EQ(post_error("hmac/k", R"({"input":"","key_version":-1})"),
            "key version does not exist (cannot be negative)");
  EXPECT_EQ(post_error("hmac/k", R"({"input":"","key_version":2})"),
            "key version does not exist; latest key version is 1");
  EXPECT_TRUE(post("hmac/k", R"({"input":""})").ok);
}

TEST_F(HmacTest, OldVersions) {
  make_key("k");
  const std::string_view first = R"({"input":"","key_version":1})";
  const std::string before = post("hmac/k", first).at("/hmac");
  rotate("k");
  EXPECT_EQ(post("hmac/k", first).at("/hmac"), before);
  EXPECT_THAT(post("hmac/k", R"({"input":""})").at("/hmac"),
              testing::StartsWith("vault:v2:"));
  must(post("keys/k/config", R"({"min_encryption_version":2})"));
  EXPECT_EQ(post_error("hmac/k", first),
            "cannot generate HMAC: version is too old (disallowed by policy)");
  must(post("keys/k/config",
            R"({"min_decryption_version":2,"min_encryption_version":0})"));
  EXPECT_EQ(post_error("hmac/k", first), "no such key version");
}

TEST_F(HmacTest, Batch) {
  make_key("k");
  const Outcome outcome =
      post("hmac/k", R"({"batch_input":[{"input":"eA==","reference":"r"},{},)"
                     R"({"input":"!"}]})");
  must(outcome);
  EXPECT_EQ(outcome.status(), 0);
  EXPECT_EQ(outcome.at("/batch_results/0/hmac"),
            post("hmac/k", R"({"input":"eA=="})").at("/hmac"));
  EXPECT_EQ(outcome.at("/batch_results/0/reference"), "r");
  EXPECT_EQ(outcome.at("/batch_results/1"),
            R"({"error":"missing input for HMAC","reference":""})");
  EXPECT_EQ(outcome.at("/batch_results/2/error"),
            "unable to decode input as base64: illegal base64 data at input "
            "byte 0");
  EXPECT_EQ(post_error("hmac/k", R"({"batch_input":[]})"),
            "missing batch input to process");
}

TEST_F(HmacTest, BatchesAreReadAsTheReferencesLibraryDoes) {
  make_key("k");
  // A number is its text; null is an item with nothing in it.
  const Outcome numbers =
      post("hmac/k", R"({"batch_input":[{"input":1234,"reference":5},null]})");
  must(numbers);
  EXPECT_EQ(numbers.at("/batch_results/0/hmac"),
            post("hmac/k", R"({"input":"1234"})").at("/hmac"));
  EXPECT_EQ(numbers.at("/batch_results/0/reference"), "5");
  EXPECT_EQ(numbers.at("/batch_results/1/error"), "missing input for HMAC");
  EXPECT_EQ(post_error("hmac/k", R"({"batch_input":[{"input":true},"x"]})"),
            "failed to parse batch input: decoding failed due to the following "
            "error(s):\n\n'[0][input]' expected type 'string', got "
            "unconvertible type 'bool'\n'[1]' expected a map or struct, got "
            "\"string\"");
  EXPECT_EQ(post_error("hmac/k", R"({"batch_input":1})"),
            "failed to parse batch input: '' source data must be an array or "
            "slice, got string");
}

}  // namespace
}  // namespace bulla::engine::transit
