#include "auth/policy_record.h"

#include <gmock/gmock.h>

#include "base/encoding.h"

namespace bulla::auth {
namespace {

constexpr std::string_view kGolden =
    "02000000000000000701000000000000000101000000000000000201000000086e616d65"
    "3d227822";

PolicyRecord golden() {
  PolicyRecord record;
  record.meta = {7, from_unix_nanos(1), from_unix_nanos(2), true};
  record.text = "name=\"x\"";
  return record;
}

TEST(PolicyRecord, Golden) {
  EXPECT_EQ(hex_encode(serialize_policy(golden()).expose()), kGolden);
  const auto parsed = parse_policy_record(*hex_decode(kGolden));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text, golden().text);
  EXPECT_EQ(parsed->meta.version, 7U);
  EXPECT_EQ(parsed->meta.modified, from_unix_nanos(1));
  EXPECT_EQ(parsed->meta.expiration, from_unix_nanos(2));
  EXPECT_TRUE(parsed->meta.cas_required);
}

TEST(PolicyRecord, NothingElseParses) {
  const auto good = *hex_decode(kGolden);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_policy_record(ByteView(good).first(size))) << size;
  }
  auto more = good;
  more.push_back(0);
  EXPECT_FALSE(parse_policy_record(more));
  auto other = good;
  other[0] = 3;
  EXPECT_EQ(parse_policy_record(other).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bulla::auth
