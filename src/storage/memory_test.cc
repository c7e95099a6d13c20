#include "storage/memory.h"

#include "storage/conformance.h"

namespace bulla::storage {
namespace {

struct MemoryFactory {
  static constexpr bool kReopens = false;
  Storage& storage() { return storage_; }
  MemoryStorage storage_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StorageConformance, MemoryFactory);

TEST(MemoryStorage, NamesItsKind) {
  EXPECT_EQ(MemoryStorage().kind(), "inmem");
}

}  // namespace
}  // namespace bulla::storage
