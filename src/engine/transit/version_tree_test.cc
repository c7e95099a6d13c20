#include "engine/transit/version_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "engine/transit/key.h"

namespace bulla::engine::transit {
namespace {

std::shared_ptr<const KeyVersion> version(std::uint32_t number) {
  KeyRecord key;
  key.name = "k";
  VersionRecord record;
  record.number = number;
  record.hmac_key = SecretBytes(32);
  record.material = SymmetricMaterial{SecretBytes(32)};
  return KeyVersion::make(key, std::move(record)).value();
}

TEST(VersionTreeTest, EmptyFindsNothing) {
  const VersionTree tree;
  EXPECT_EQ(tree.find(0), nullptr);
  EXPECT_EQ(tree.find(1), nullptr);
  EXPECT_EQ(tree.share(0xFFFFFFFF), nullptr);
  EXPECT_EQ(tree.from(5).size(), 0U);
}

TEST(VersionTreeTest, FollowsAMap) {
  std::mt19937 random(7);
  std::map<std::uint32_t, std::shared_ptr<const KeyVersion>> model;
  VersionTree tree;
  for (int i = 0; i < 500; ++i) {
    const std::uint32_t number =
        1 + random() % (i % 3 == 0 ? 0x7FFFFFFEU : 600U);
    auto added = version(number);
    const VersionTree before = tree;
    const auto* old = before.find(number);
    tree = tree.with(number, added);
    model[number] = added;
    ASSERT_EQ(before.find(number), old);  // the old tree did not change
    if (i % 50 == 49) {
      const std::uint32_t lowest = random() % 600;
      tree = tree.from(lowest);
      model.erase(model.begin(), model.lower_bound(lowest));
    }
    ASSERT_EQ(tree.size(), model.size());
  }
  for (std::uint32_t n = 0; n < 700; ++n) {
    const auto found = model.find(n);
    ASSERT_EQ(tree.find(n),
              found == model.end() ? nullptr : found->second.get());
  }
  for (const auto& [number, kept] : model) {
    ASSERT_EQ(tree.share(number), kept);
  }
}

}  // namespace
}  // namespace bulla::engine::transit
