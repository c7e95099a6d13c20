#include "seal/root_seal.h"

#include <gtest/gtest.h>

#include "seal/test_world.h"

namespace bulla::seal {
namespace {

TEST(RootSeal, OpensOnlyWhereItWasSealedAndUnderItsKey) {
  crypto::SystemRng rng;
  const SecretBytes root = rng.secret(32);
  const auto sealed = seal_under(root, "core/x", as_bytes("kept"), rng);
  ASSERT_TRUE(sealed);
  const auto opened = open_under(root, "core/x", *sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->expose()), "kept");
  EXPECT_EQ(open_under(root, "core/y", *sealed).error().code(),
            ErrorCode::kCorrupt);
  EXPECT_EQ(open_under(rng.secret(32), "core/x", *sealed).error().code(),
            ErrorCode::kCorrupt);
  for (std::size_t i = 0; i < sealed->size(); ++i) {
    Bytes altered = *sealed;
    altered[i] ^= 1;
    EXPECT_FALSE(open_under(root, "core/x", altered)) << i;
  }
  EXPECT_FALSE(open_under(root, "core/x", ByteView(*sealed).first(20)));
  EXPECT_EQ(seal_under(rng.secret(31), "core/x", {}, rng).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST(RootSeal, CustodySealsUnderTheRootKeyOfNow) {
  World world;
  Node node(world);
  EXPECT_EQ(node.custody.seal_under_root("core/x", {}).error().code(),
            ErrorCode::kSealed);
  ASSERT_TRUE(node.init(shamir_params(1, 1)));
  const auto absent = node.custody.get_under_root("core/x");
  ASSERT_TRUE(absent);
  EXPECT_FALSE(*absent);
  const auto sealed = node.custody.seal_under_root("core/x", as_bytes("kept"));
  ASSERT_TRUE(sealed);
  ASSERT_TRUE(node.barrier.put("core/x", *sealed));
  const auto there = node.custody.get_under_root("core/x");
  ASSERT_TRUE(there && *there);
  EXPECT_EQ(as_text((*there)->value.expose()), "kept");
  EXPECT_EQ((*there)->version, (*node.barrier.get("core/x"))->version);
  // Nobody registered it, so that nobody took it along.
  ASSERT_TRUE(node.custody.replace_root({}));
  EXPECT_EQ(node.custody.get_under_root("core/x").error().code(),
            ErrorCode::kCorrupt);
  node.custody.seal();
  EXPECT_EQ(node.custody.get_under_root("core/x").error().code(),
            ErrorCode::kSealed);
}

}  // namespace
}  // namespace bulla::seal
