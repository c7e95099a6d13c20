#include "server/kept_answer.h"

#include <gtest/gtest.h>

namespace bulla::server {
namespace {

constexpr auto kGolden = R"({"response":"{\"data\":{\"a\":\"\\u003c\"}}"})";
constexpr auto kWithStatus = R"({"response":"{}","status":400})";

TEST(KeptAnswer, GoldenVectors) {
  EXPECT_EQ(write_kept_answer({R"({"data":{"a":"\u003c"}})", 0}), kGolden);
  EXPECT_EQ(write_kept_answer({"{}", 400}), kWithStatus);
}

TEST(KeptAnswer, ComesBackAsItWas) {
  const auto plain = parse_kept_answer(kGolden);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->json, R"({"data":{"a":"\u003c"}})");
  EXPECT_EQ(plain->status, 0);
  EXPECT_EQ(parse_kept_answer(kWithStatus)->status, 400);
}

TEST(KeptAnswer, AnythingElseIsCorrupt) {
  for (const char* text :
       {"", "x", "{}", "[]", "1", R"({"response":1})", R"({"status":400})",
        R"({"response":"{}","status":0})", R"({"response":"{}","status":-1})",
        R"({"response":"{}","status":1000})", R"({"response":"{}","x":1})",
        R"({"response":"{}", "status":400})", R"({"response":"{}"} )"}) {
    const auto parsed = parse_kept_answer(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace bulla::server
