#include "auth/token_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/cidr.h"
#include "auth/token/token_role.h"
#include "auth/ttl.h"
#include "base/encoding.h"

namespace bulla::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

api::Token full_token() {
  api::Token token;
  token.accessor = "acc";
  token.parent = "par";
  token.policies = {"a", "b"};
  token.meta = {{"k", "v"}};
  token.display_name = "token-x";
  token.path = "auth/token/create/r";
  token.role = "r";
  token.entity_id = "e";
  token.bound_cidrs = {"10.0.0.0/8"};
  token.creation_time = from_unix_nanos(1000);
  token.issue_time = from_unix_nanos(2000);
  token.last_renewal_time = from_unix_nanos(3000);
  token.expire_time = from_unix_nanos(4000);
  token.creation_ttl = Seconds{5};
  token.explicit_max_ttl = Seconds{6};
  token.period = Seconds{7};
  token.num_uses = 8;
  token.renewable = true;
  return token;
}

// docs/formats/token.md holds this vector.
constexpr std::string_view kGolden =
    "0100000000036163630000000370617200000002000000016100000001620000000100"
    "0000016b000000017600000007746f6b656e2d7800000013617574682f746f6b656e2f"
    "6372656174652f7200000001720000000165000000010000000a31302e302e302e302f"
    "3800000000000003e800000000000007d0010000000000000bb8010000000000000fa0"
    "00000000000000050000000000000006000000000000000700000000000000080100";

TEST(TokenRecord, GoldenVector) {
  const SecretBytes record = serialize_token(full_token());
  EXPECT_EQ(hex_encode(record.expose()), kGolden);
}

TEST(TokenRecord, RoundTrips) {
  for (const api::Token& token : {full_token(), api::Token{}}) {
    const SecretBytes record = serialize_token(token);
    const auto parsed = parse_token("h", record.expose());
    ASSERT_TRUE(parsed);
    EXPECT_EQ((*parsed)->hash, "h");
    EXPECT_EQ((*parsed)->meta, token.meta);
    EXPECT_EQ((*parsed)->expire_time, token.expire_time);
    EXPECT_TRUE(serialize_token(**parsed) == record);
  }
}

TEST(TokenRecord, RefusesEveryTruncationAndExtension) {
  const SecretBytes record = serialize_token(full_token());
  const Bytes bytes = to_bytes(record.expose());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto parsed = parse_token("h", ByteView(bytes).first(n));
    ASSERT_FALSE(parsed) << n;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt);
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(parse_token("h", longer));
}

TEST(TokenRecord, RefusesFieldsOutOfBounds) {
  const SecretBytes record = serialize_token(full_token());
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}}) {
    Bytes bytes = to_bytes(record.expose());
    bytes[at] = 9;  // format, type
    EXPECT_FALSE(parse_token("h", bytes)) << at;
  }
  api::Token token = full_token();
  token.num_uses = -2;
  EXPECT_FALSE(parse_token("h", serialize_token(token).expose()));
}

TEST(TokenRole, RoundTripsAndRefuses) {
  TokenRole role;
  role.name = "r";
  role.allowed_policies = {"a"};
  role.disallowed_policies_glob = {"x*"};
  role.path_suffix = "abc";
  role.type = TokenRole::Type::kBatch;
  role.period = Seconds{3};
  role.legacy = 5;
  const SecretBytes record = serialize_role(role);
  const auto parsed = parse_role("r", record.expose());
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->allowed_policies, ElementsAre("a"));
  EXPECT_TRUE(serialize_role(*parsed) == record);
  const Bytes bytes = to_bytes(record.expose());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(parse_role("r", ByteView(bytes).first(n))) << n;
  }
}

TEST(Cidr, Contains) {
  EXPECT_TRUE(cidrs_contain({}, "anything"));
  EXPECT_TRUE(cidrs_contain({"10.0.0.0/8"}, "10.255.0.1"));
  EXPECT_TRUE(cidrs_contain({"10.0.0.0/8"}, "::ffff:10.1.1.1"));
  EXPECT_FALSE(cidrs_contain({"10.0.0.0/8"}, "11.0.0.1"));
  EXPECT_TRUE(cidrs_contain({"10.1.2.0/23"}, "10.1.3.9"));
  EXPECT_FALSE(cidrs_contain({"10.1.2.0/23"}, "10.1.4.0"));
  EXPECT_TRUE(cidrs_contain({"192.0.2.1"}, "192.0.2.1"));
  EXPECT_FALSE(cidrs_contain({"192.0.2.1"}, "192.0.2.2"));
  EXPECT_TRUE(cidrs_contain({"1.1.1.1", "2001:db8::/32"}, "2001:db8:1::"));
  EXPECT_FALSE(cidrs_contain({"2001:db8::/32"}, "10.0.0.1"));
  EXPECT_TRUE(cidrs_contain({"0.0.0.0/0"}, "9.9.9.9"));
  EXPECT_FALSE(cidrs_contain({"0.0.0.0/0"}, "::1"));
  EXPECT_FALSE(cidrs_contain({"10.0.0.0/8"}, ""));
}

TEST(Cidr, RefusesOthers) {
  for (const auto* text : {"", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8",
                           "::/129", "10.0.0.0/-1", "10.0.0.0/8x"}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
}

TEST(Ttl, DefaultAndCap) {
  const TokenTtls limits{Seconds{100}, Seconds{1000}};
  TtlRequest request;
  request.start = from_unix_nanos(0);
  EXPECT_EQ(calculate_ttl(limits, request, request.start)->ttl, Seconds{100});
  request.ttl = Seconds{7200'000};
  const auto capped = calculate_ttl(limits, request, request.start);
  EXPECT_EQ(capped->ttl, Seconds{1000});
  EXPECT_THAT(capped->warnings,
              ElementsAre("TTL of \"2000h\" exceeded the effective max_ttl "
                          "of \"16m40s\"; TTL value is capped accordingly"));
  request.explicit_max_ttl = Seconds{50};
  EXPECT_EQ(calculate_ttl(limits, request, request.start)->ttl, Seconds{50});
}

TEST(Ttl, RenewalCountsFromTheStart) {
  const TokenTtls limits{Seconds{100}, Seconds{1000}};
  TtlRequest request;
  request.start = from_unix_nanos(0);
  request.increment = Seconds{400};
  const Time late = request.start + Seconds{900};
  EXPECT_EQ(calculate_ttl(limits, request, late)->ttl, Seconds{100});
  const auto past = calculate_ttl(limits, request, late + Seconds{100});
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().message(), "past the max TTL, cannot renew");
  // A clock that went back gives no more than a whole life.
  EXPECT_LE(calculate_ttl(limits, request, request.start - Seconds{9999})->ttl,
            Seconds{1000});
}

TEST(Ttl, PeriodsStartAnew) {
  const TokenTtls limits{Seconds{100}, Seconds{1000}};
  TtlRequest request;
  request.start = from_unix_nanos(0);
  request.period = Seconds{2000};
  const Time late = request.start + Seconds{5000};
  const auto capped = calculate_ttl(limits, request, late);
  EXPECT_EQ(capped->ttl, Seconds{1000});
  EXPECT_EQ(capped->warnings.size(), 1U);
  request.period = Seconds{60};
  EXPECT_EQ(calculate_ttl(limits, request, late)->ttl, Seconds{60});
  EXPECT_THAT(calculate_ttl(limits, request, late)->warnings, IsEmpty());
  request.explicit_max_ttl = Seconds{5030};
  EXPECT_EQ(calculate_ttl({Seconds{1}, Seconds{9000}}, request, late)->ttl,
            Seconds{30});
}

TEST(Ttl, TheEndOfTimeIsNotPassed) {
  const Time now = from_unix_nanos(1'767'225'600'000'000'000);
  EXPECT_GT(expiry_after(now, Seconds::max()), now);
  EXPECT_EQ(expiry_after(now, Seconds{5}), now + Seconds{5});
}

}  // namespace
}  // namespace bulla::auth
