#include "storage/staging.h"

#include <gtest/gtest.h>

#include "storage/memory.h"

namespace bulla::storage {
namespace {

Change put(std::string path, std::string_view value) {
  return {std::move(path), to_bytes(value), std::nullopt};
}

TEST(StagingStorage, HoldsBackUntilTaken) {
  MemoryStorage target;
  StagingStorage staging(target);
  const Change before[] = {put("a", "1")};
  ASSERT_TRUE(staging.commit(before));

  staging.begin();
  const Change held[] = {put("b", "2"), {"a", std::nullopt, std::nullopt}};
  ASSERT_TRUE(staging.commit(held));
  EXPECT_TRUE(staging.get("b").value().has_value());
  EXPECT_FALSE(staging.get("a").value().has_value());
  EXPECT_TRUE(target.get("a").value().has_value());
  EXPECT_FALSE(target.get("b").value().has_value());

  const auto changes = staging.take();
  ASSERT_EQ(changes.size(), 2U);
  ASSERT_TRUE(target.commit(changes));
  EXPECT_FALSE(target.get("a").value().has_value());
  EXPECT_EQ(as_text(target.get("b").value()->value), "2");
}

TEST(StagingStorage, LaterChangesOfAPathReplaceEarlierOnes) {
  MemoryStorage target;
  StagingStorage staging(target);
  staging.begin();
  const Change first[] = {put("a", "1")};
  Change second = put("a", "2");
  second.expected = 1;
  ASSERT_TRUE(staging.commit(first));
  ASSERT_TRUE(staging.commit({&second, 1}));
  const auto changes = staging.take();
  ASSERT_EQ(changes.size(), 1U);
  ASSERT_TRUE(target.commit(changes));
  EXPECT_EQ(as_text(target.get("a").value()->value), "2");
}

}  // namespace
}  // namespace bulla::storage
