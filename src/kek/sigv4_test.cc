#include "kek/sigv4.h"

#include <gtest/gtest.h>

namespace bulla::kek {
namespace {

// AWS's own Signature Version 4 test suite: each request as its
// header-signed-request.txt has it, all of it one moment and one key.
constexpr std::int64_t kMoment = 1'440'938'160;  // 2015-08-30T12:36:00Z
constexpr std::string_view kToken =
    "AQoDYXdzEPT//////////"
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGB"
    "uFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"
    "kMcGdQrmGdeehM4IC1NtB"
    "mUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVX"
    "A"
    "kiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
    "scqKmlzm8FDrypNC9Yjc8fPOLn9FX9K"
    "SYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

struct Vector {
  const char* name;
  AwsRequest request;
  std::string_view token;
  const char* signed_headers;
  const char* signature;
};

std::vector<Vector> vectors() {
  constexpr std::string_view kHost = "example.amazonaws.com";
  return {
      {"post-vanilla",
       {"POST", kHost, "/", {}, ""},
       "",
       "host;x-amz-date",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"get-vanilla",
       {"GET", kHost, "/", {}, ""},
       "",
       "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-unreserved",
       {"GET",
        kHost,
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        {},
        ""},
       "",
       "host;x-amz-date",
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"post-header-key-sort",
       {"POST", kHost, "/", {{"My-Header1", "value1"}}, ""},
       "",
       "host;my-header1;x-amz-date",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"get-header-value-trim",
       {"GET",
        kHost,
        "/",
        {{"My-Header1", "value1"}, {"My-Header2", "\"a   b   c\""}},
        ""},
       "",
       "host;my-header1;my-header2;x-amz-date",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-sts-header-before",
       {"POST", kHost, "/", {}, ""},
       kToken,
       "host;x-amz-date;x-amz-security-token",
       "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
      {"post-x-www-form-urlencoded",
       {"POST",
        kHost,
        "/",
        {{"Content-Type", "application/x-www-form-urlencoded"},
         {"Content-Length", "13"},
         {"x-amz-content-sha256",
          "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}},
        "Param1=value1"},
       "",
       "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
       "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
  };
}

TEST(SigV4, SignsAsTheSuiteDoes) {
  for (const Vector& vector : vectors()) {
    const AwsCredentials credentials{
        "AKIDEXAMPLE",
        SecretBytes::copy_of(
            as_bytes("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")),
        SecretBytes::copy_of(as_bytes(vector.token))};
    const auto added = sign_aws(vector.request, credentials, "us-east-1",
                                "service", Time(std::chrono::seconds(kMoment)));
    EXPECT_EQ(added.front().second, "20150830T123600Z");
    EXPECT_EQ(added.size(), vector.token.empty() ? 2U : 3U);
    EXPECT_EQ(added.back().first, "Authorization");
    EXPECT_EQ(added.back().second,
              std::string("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/"
                          "us-east-1/service/aws4_request, SignedHeaders=") +
                  vector.signed_headers + ", Signature=" + vector.signature)
        << vector.name;
  }
}

}  // namespace
}  // namespace bulla::kek
