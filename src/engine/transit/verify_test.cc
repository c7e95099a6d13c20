#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class VerifyTest : public TransitTest {
 protected:
  std::string hmac(std::string_view path = "hmac/k") {
    return post(path, R"({"input":"eA=="})").at("/hmac");
  }
  Outcome verify(std::string_view mac, std::string_view more = {},
                 std::string_view path = "verify/k") {
    return post(path,
                fmt::format(R"({{"input":"eA==","hmac":"{}"{}}})", mac, more));
  }
};

TEST_F(VerifyTest, HoldsForWhatHmacMade) {
  make_key("k");
  EXPECT_EQ(verify(hmac()).data, R"({"valid":true})");
  const std::string sha512 = hmac("hmac/k/sha2-512");
  EXPECT_EQ(verify(sha512).data, R"({"valid":false})");
  EXPECT_EQ(verify(sha512, R"(,"hash_algorithm":"sha2-512")").data,
            R"({"valid":true})");
  EXPECT_EQ(verify(sha512, {}, "verify/k/sha2-512").data, R"({"valid":true})");
  EXPECT_EQ(verify(sha512, R"(,"algorithm":"sha2-512")").data,
            R"({"valid":true})");
}

TEST_F(VerifyTest, AFalseHmacIsNoError) {
  make_key("k");
  std::string mac = hmac();
  mac[12] = mac[12] == 'A' ? 'B' : 'A';
  EXPECT_EQ(verify(mac).data, R"({"valid":false})");
  EXPECT_EQ(verify("vault:v1:").data, R"({"valid":false})");
}

TEST_F(VerifyTest, MalformedHmacs) {
  make_key("k");
  EXPECT_EQ(verify("v1:AA==").error, "invalid HMAC to verify: no prefix");
  EXPECT_EQ(verify("vault:v1").error, "invalid HMAC: wrong number of fields");
  EXPECT_EQ(verify("vault:vx:AA==").error,
            "invalid HMAC: version number could not be decoded");
  EXPECT_EQ(verify("vault:v1:A").error,
            "unable to decode verification HMAC as base64: illegal base64 data "
            "at input byte 0");
  EXPECT_EQ(verify("vault:v2:AA==").error, "invalid HMAC: version is too new");
  EXPECT_EQ(verify("vault:v0:AA==").error,
            "cannot verify HMAC: version is too old (disallowed by policy)");
}

TEST_F(VerifyTest, WhatToVerifyMustBeClear) {
  make_key("k");
  EXPECT_EQ(post_error("verify/k"),
            "neither a 'signature' nor an 'hmac' were given to verify");
  EXPECT_EQ(post_error("verify/k", R"({"hmac":"","signature":""})"),
            "provide one of 'signature' or 'hmac'");
  const auto batch = [&](std::string_view items) {
    return post_error("verify/k",
                      fmt::format(R"({{"batch_input":{}}})", items));
  };
  EXPECT_EQ(batch(R"([{"hmac":""},{"signature":""}])"),
            "elements of batch_input must all provide 'signature' or all "
            "provide 'hmac'");
  EXPECT_EQ(batch(R"([{"hmac":""},{}])"),
            "some elements of batch_input are missing 'hmac'");
  EXPECT_EQ(batch(R"([{"signature":""},{}])"),
            "some elements of batch_input are missing 'signature'");
  EXPECT_EQ(batch("[{}]"),
            "no batch_input elements have 'signature' or 'hmac'");
}

TEST_F(VerifyTest, TheseTypesMakeNoSignatures) {
  make_key("k");
  const std::string_view body = R"({"signature":"vault:v1:AA=="})";
  EXPECT_EQ(post_error("verify/k", body),
            "key type aes256-gcm96 does not support verification");
  EXPECT_EQ(post_error("verify/no", body),
            "signature verification key not found");
  EXPECT_EQ(post_error("verify/k/md5", body), "invalid hash algorithm \"md5\"");
  EXPECT_EQ(post_error("verify/no", R"({"hmac":""})"),
            "encryption key not found");
  EXPECT_EQ(post_error("verify/no", R"({"hmac":"","algorithm":"md5"})"),
            "invalid hash algorithm \"md5\"");
  EXPECT_EQ(post_error("verify/k/none", R"({"hmac":""})"),
            "algorithm cannot be none");
}

TEST_F(VerifyTest, Batch) {
  make_key("k");
  const Outcome outcome =
      post("verify/k",
           fmt::format(R"({{"batch_input":[{{"input":"eA==","hmac":"{0}",)"
                       R"("reference":"r"}},{{"input":"eQ==","hmac":"{0}"}},)"
                       R"({{"hmac":"{0}"}}]}})",
                       hmac()));
  must(outcome);
  EXPECT_EQ(outcome.data,
            R"({"batch_results":[{"valid":true,"reference":"r"},)"
            R"({"reference":""},{"error":"missing input","reference":""}]})");
}

}  // namespace
}  // namespace bulla::engine::transit
