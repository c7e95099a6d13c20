#include "base/error.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/assert.h"
#include "base/published.h"
#include "base/result.h"

namespace bulla {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(invalid_argument("odd"));
  return n / 2;
}
Result<int> quarter(int n) {
  TRY_ASSIGN(const int first, half(n));
  return half(first);
}
Result<void> check_quarter(int n) {
  TRY(quarter(n));
  return {};
}

TEST(Error, CodesHaveDistinctNames) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kWouldBlock); ++code) {
    names.insert(error_code_name(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::kWouldBlock) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Error, ContextStandsBeforeTheMessage) {
  const Error error = not_found("no such key").with_context("transit/keys/a");
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_EQ(error.message(), "transit/keys/a: no such key");
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_TRUE(check_quarter(4).has_value());
  EXPECT_FALSE(check_quarter(3).has_value());
}

TEST(AssertDeathTest, NamesTheConditionAndAborts) {
  const int answer = 42;
  BULLA_ASSERT(answer == 42);
  EXPECT_DEATH(BULLA_ASSERT(answer == 41), "assertion failed: answer == 41");
}

TEST(Published, SubscriptionsSeeTheNewest) {
  Published<int> value(std::make_shared<const int>(1));
  Subscription<int> seen(value);
  EXPECT_EQ(*seen.get(), 1);
  const auto before = value.version();
  value.publish(std::make_shared<const int>(2));
  EXPECT_EQ(value.version(), before + 1);
  EXPECT_EQ(*seen.get(), 2);
  EXPECT_EQ(*value.load(), 2);
}

}  // namespace
}  // namespace bulla
