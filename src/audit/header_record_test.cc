#include "audit/header_record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace bulla::audit {
namespace {

constexpr std::string_view kGolden = "010000000200000001610100000003782d6200";

std::vector<std::uint8_t> golden() { return *hex_decode(kGolden); }

TEST(HeaderRecord, Golden) {
  const std::vector<AuditedHeader> headers{{"a", true}, {"x-b", false}};
  EXPECT_EQ(to_bytes(serialize_headers(headers).expose()), golden());
  const auto parsed = parse_headers(golden());
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 2U);
  EXPECT_EQ((*parsed)[0].name, "a");
  EXPECT_TRUE((*parsed)[0].hmac);
  EXPECT_EQ((*parsed)[1].name, "x-b");
  EXPECT_FALSE((*parsed)[1].hmac);
}

TEST(HeaderRecord, NothingElseParses) {
  const auto good = golden();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_headers(ByteView(good).first(size))) << size;
  }
  auto unordered = good;
  unordered[9] = 'z';
  EXPECT_FALSE(parse_headers(unordered));
  auto other = good;
  other[0] = 2;
  EXPECT_EQ(parse_headers(other).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bulla::audit
