#include "storage/local_coordination.h"

#include "storage/coordination_conformance.h"
#include "storage/fault.h"
#include "storage/lmdb.h"
#include "storage/memory.h"
#include "storage/temp_dir.h"

namespace bulla::storage {
namespace {

class LocalFactory {
 public:
  static constexpr bool kLapses = false;
  static constexpr std::size_t kKept = LocalCoordination::kChangesKept / 2;

  explicit LocalFactory(std::unique_ptr<Storage> inner)
      : local_(std::move(inner)) {}
  Storage& storage() { return local_; }
  Coordination& coordination() { return local_; }
  Coordination& other() { return local_; }
  void forget_history() {
    for (std::size_t i = 0; i < LocalCoordination::kChangesKept; ++i) {
      must_put(local_, "filler", "v");
    }
  }

 private:
  LocalCoordination local_;
};

struct MemoryFactory : LocalFactory {
  MemoryFactory() : LocalFactory(std::make_unique<MemoryStorage>()) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, CoordinationConformance, MemoryFactory);

struct LmdbDirectory {
  TempDir dir;
};
struct LmdbFactory : LmdbDirectory, LocalFactory {
  LmdbFactory()
      : LocalFactory(LmdbStorage::open({.directory = dir.path()}).value()) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(Lmdb, CoordinationConformance, LmdbFactory);

struct LocalMemory {
  static constexpr bool kReopens = false;
  Storage& storage() { return local; }
  LocalCoordination local{std::make_unique<MemoryStorage>()};
};
INSTANTIATE_TYPED_TEST_SUITE_P(LocalCoordination, StorageConformance,
                               LocalMemory);

}  // namespace
}  // namespace bulla::storage
