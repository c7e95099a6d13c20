#include "net/buffer.h"

#include <gtest/gtest.h>

namespace bulla::net {
namespace {

TEST(LoopBudget, SharesWhatThereIsAndGivesItBack) {
  Budget shared(std::size_t{5} << 20);
  {
    LoopBudget one(shared);
    LoopBudget two(shared);
    EXPECT_TRUE(one.take(3 << 20));
    EXPECT_FALSE(two.take(3 << 20));
    one.give(3 << 20);
    EXPECT_TRUE(two.take(3 << 20));
    EXPECT_TRUE(two.take(1));
    two.give((3 << 20) + 1);
  }
  EXPECT_TRUE(shared.take(std::size_t{5} << 20));
  EXPECT_FALSE(shared.take(1));
}

TEST(BodyBuffer, KeepsItsBytesAsItGrows) {
  BodyBuffer body;
  ASSERT_TRUE(body.reserve(4));
  body.space()[0] = 'a';
  body.grew(1);
  ASSERT_TRUE(body.reserve(std::size_t{1} << 20));
  EXPECT_EQ(body.view(), "a");
  EXPECT_EQ(body.space().size(), (std::size_t{1} << 20) - 1);
  BodyBuffer other = std::move(body);
  EXPECT_EQ(other.view(), "a");
  other.clear();
  EXPECT_EQ(other.size(), 0U);
}

}  // namespace
}  // namespace bulla::net
