#include "engine/transit/ciphertext.h"

#include <gtest/gtest.h>

namespace bulla::engine::transit {
namespace {

TEST(CiphertextTest, Splits) {
  VersionedText parsed;
  ASSERT_EQ(parse_versioned_text("vault:v12:a:b", parsed),
            VersionedTextFault::kNone);
  EXPECT_EQ(parsed.version, 12);
  EXPECT_EQ(parsed.payload, "a:b");
  ASSERT_EQ(parse_versioned_text("vault:v1:", parsed),
            VersionedTextFault::kNone);
  EXPECT_EQ(parsed.payload, "");
}

TEST(CiphertextTest, Faults) {
  VersionedText parsed;
  const auto fault = [&](std::string_view text) {
    return parse_versioned_text(text, parsed);
  };
  EXPECT_EQ(fault(""), VersionedTextFault::kNoPrefix);
  EXPECT_EQ(fault("vault:"), VersionedTextFault::kNoPrefix);
  EXPECT_EQ(fault("Vault:v1:AA=="), VersionedTextFault::kNoPrefix);
  EXPECT_EQ(fault("vault:v1"), VersionedTextFault::kWrongFields);
  EXPECT_EQ(fault("vault:v:AA=="), VersionedTextFault::kBadVersion);
  EXPECT_EQ(fault("vault:v 1:AA=="), VersionedTextFault::kBadVersion);
}

TEST(CiphertextTest, NumbersAsGoReadsThem) {
  EXPECT_EQ(parse_decimal("0"), 0);
  EXPECT_EQ(parse_decimal("007"), 7);
  EXPECT_EQ(parse_decimal("+5"), 5);
  EXPECT_EQ(parse_decimal("-5"), -5);
  EXPECT_EQ(parse_decimal("9223372036854775807"), INT64_MAX);
  for (const char* bad : {"", "+", "-", "+-5", "1_0", "0x1", "1.0",
                          "9223372036854775808", "5 "}) {
    EXPECT_EQ(parse_decimal(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace bulla::engine::transit
