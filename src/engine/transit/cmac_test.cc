#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class CmacTest : public TransitTest {};

// RFC 4493 §4, example 2.
TEST_F(CmacTest, Rfc4493) {
  plant("k", KeyType::kAes128Cmac,
        hex_decode("2b7e151628aed2a6abf7158809cf4f3c").value());
  const std::string input =
      base64_encode(hex_decode("6bc1bee22e409f96e93d7e117393172a").value());
  const std::string tag = "070a16b46b4d4144f79bdd9dd04a287c";
  EXPECT_EQ(
      post("cmac/k", fmt::format(R"({{"input":"{}"}})", input)).at("/cmac"),
      "vault:v1:" + base64_encode(hex_decode(tag).value()));
  EXPECT_EQ(
      post("cmac/k/8", fmt::format(R"({{"input":"{}"}})", input)).at("/cmac"),
      "vault:v1:" + base64_encode(hex_decode(tag.substr(0, 16)).value()));
}

TEST_F(CmacTest, VerifiesWhatItMade) {
  for (const std::string_view type :
       {"aes128-cmac", "aes192-cmac", "aes256-cmac"}) {
    SCOPED_TRACE(type);
    make_key(type, fmt::format(R"({{"type":"{}"}})", type));
    const std::string made =
        post(fmt::format("cmac/{}", type), R"({"input":"eA=="})").at("/cmac");
    const auto verify = [&](std::string_view input) {
      return post(fmt::format("verify/{}", type),
                  fmt::format(R"({{"input":"{}","cmac":"{}"}})", input, made))
          .at("/valid");
    };
    EXPECT_EQ(verify("eA=="), "true");
    EXPECT_EQ(verify("eQ=="), "false");
  }
}

TEST_F(CmacTest, Errors) {
  make_key("c", R"({"type":"aes256-cmac"})");
  make_key("k");
  EXPECT_EQ(post_error("cmac/no", R"({"input":""})"),
            "encryption key not found");
  EXPECT_EQ(post_error("cmac/c"), "missing input for CMAC");
  EXPECT_EQ(post_error("cmac/k", R"({"input":""})"),
            "key type aes256-gcm96 does not support CMAC");
  EXPECT_EQ(post_error("cmac/c/17", R"({"input":""})"),
            "invalid mac_length 17: a CMAC has 1 to 16 bytes");
  EXPECT_EQ(post_error("cmac/c", R"({"input":"","key_version":2})"),
            "key version does not exist; latest key version is 1");
  EXPECT_EQ(post_error("verify/c", R"({"input":"","cmac":"x","hmac":"y"})"),
            "provide one of 'signature', 'hmac' or 'cmac'");
  EXPECT_EQ(post_error("verify/c", R"({"input":"","cmac":"x"})"),
            "invalid CMAC to verify: no prefix");
}

TEST_F(CmacTest, Batch) {
  make_key("c", R"({"type":"aes128-cmac"})");
  const Outcome made = post(
      "cmac/c", R"({"batch_input":[{"input":"eA==","reference":"r"},{}]})");
  must(made);
  EXPECT_EQ(made.at("/batch_results/0/reference"), "r");
  EXPECT_EQ(made.at("/batch_results/1"),
            R"({"error":"missing input for CMAC","reference":""})");
  const Outcome checked =
      post("verify/c",
           fmt::format(R"({{"batch_input":[{{"input":"eA==","cmac":"{}"}}]}})",
                       made.at("/batch_results/0/cmac")));
  must(checked);
  EXPECT_EQ(checked.at("/batch_results/0"), R"({"valid":true,"reference":""})");
}

}  // namespace
}  // namespace bulla::engine::transit
