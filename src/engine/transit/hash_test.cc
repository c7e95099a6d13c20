#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class HashTest : public TransitTest {};

TEST_F(HashTest, KnownSums) {
  // FIPS 180-4's example of SHA-256: "abc".
  EXPECT_EQ(post("hash", R"({"input":"YWJj"})").at("/sum"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // FIPS 202's of SHA3-224.
  EXPECT_EQ(post("hash/sha3-224", R"({"input":"YWJj"})").at("/sum"),
            "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf");
  EXPECT_EQ(post("hash", R"({"input":"YWJj","format":"base64"})").at("/sum"),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  EXPECT_EQ(post("hash/sha2-256", R"({"input":"","algorithm":"x"})").at("/sum"),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(HashTest, Errors) {
  EXPECT_EQ(post_error("hash"), "input missing");
  EXPECT_EQ(post_error("hash", R"({"input":"!"})"),
            "unable to decode input as base64: illegal base64 data at input "
            "byte 0");
  EXPECT_EQ(post_error("hash/sha1", R"({"input":""})"),
            "unsupported algorithm sha1");
  EXPECT_EQ(post_error("hash", R"({"input":"","format":"x"})"),
            "unsupported encoding format x; must be \"hex\" or \"base64\"");
}

}  // namespace
}  // namespace bulla::engine::transit
