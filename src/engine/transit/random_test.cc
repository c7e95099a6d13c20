#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class RandomTest : public TransitTest {
 protected:
  std::size_t bytes(std::string_view path, std::string_view body = "{}") {
    const Outcome outcome = post(path, body);
    return outcome.ok
               ? base64_decode(outcome.at("/random_bytes")).value().size()
               : 0;
  }
};

TEST_F(RandomTest, HowMany) {
  EXPECT_EQ(bytes("random"), 32U);
  EXPECT_EQ(bytes("random", R"({"bytes":7})"), 7U);
  EXPECT_EQ(bytes("random/5"), 5U);
  EXPECT_EQ(bytes("random/seal", R"({"bytes":"9"})"), 9U);
  EXPECT_EQ(bytes("random/all/131072"), 131072U);
  EXPECT_NE(post("random").data, post("random").data);
}

TEST_F(RandomTest, Hex) {
  EXPECT_EQ(post("random/3", R"({"format":"hex"})").at("/random_bytes").size(),
            6U);
}

TEST_F(RandomTest, Errors) {
  EXPECT_EQ(post_error("random/0"), "'bytes' cannot be less than 1");
  EXPECT_EQ(post_error("random/131073"), "'bytes' should be less than 131072");
  EXPECT_EQ(post_error("random/moon"),
            "error parsing url-set byte count: strconv.Atoi: parsing \"moon\": "
            "invalid syntax");
  EXPECT_EQ(post_error("random/moon/3"),
            "unsupported entropy source \"moon\"; must be \"platform\" or "
            "\"seal\", or \"all\"");
  EXPECT_EQ(post_error("random", R"({"format":"x"})"),
            "unsupported encoding format \"x\"; must be \"hex\" or \"base64\"");
}

}  // namespace
}  // namespace bulla::engine::transit
