#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "base/encoding.h"

namespace bulla {
namespace {

TEST(Hex, RoundTrips) {
  const Bytes bytes{0x00, 0x01, 0x7f, 0x80, 0xab, 0xff};
  EXPECT_EQ(hex_encode(bytes), "00017f80abff");
  EXPECT_EQ(*hex_decode("00017f80abff"), bytes);
  EXPECT_EQ(*hex_decode("00017F80ABFF"), bytes);
  EXPECT_TRUE(hex_decode("")->empty());
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  for (const std::string_view text :
       {"0", "000", "0g", "g0", "0x", " 0", "-1"}) {
    const auto decoded = hex_decode(text);
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(decoded.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(Uuid, SetsVersionAndVariant) {
  std::array<std::uint8_t, 16> random{};
  std::string text(36, '?');
  uuid_format(random, text.data());
  EXPECT_EQ(text, "00000000-0000-4000-8000-000000000000");
  random.fill(0xFF);
  uuid_format(random, text.data());
  EXPECT_EQ(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST(Base62, TakesEveryCharacterAlikeAndRejectsTheRest) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = static_cast<std::uint8_t>(i);
  }
  all.insert(all.end(), all.begin(), all.end());
  const std::string text = base62_from(all, 256);
  std::map<char, int> counts;
  for (const char c : text.substr(0, 248)) ++counts[c];
  EXPECT_EQ(counts.size(), 62U);
  for (const auto& [c, count] : counts) EXPECT_EQ(count, 4) << c;
  EXPECT_EQ(text.size(), 256U);
}

TEST(Base62, GivesFewerWhereTheBytesRunOut) {
  const Bytes biased(8, 0xFF);
  EXPECT_EQ(base62_from(biased, 4), "");
  EXPECT_EQ(base62_from({}, 0), "");
}

}  // namespace
}  // namespace bulla
