#include "storage/metered.h"

#include "storage/conformance.h"
#include "storage/fault.h"
#include "storage/lmdb.h"
#include "storage/memory.h"
#include "storage/temp_dir.h"

namespace bulla::storage {
namespace {

class MeteredFactory {
 public:
  static constexpr bool kReopens = true;
  MeteredFactory() { reopen(); }
  Storage& storage() { return *metered_; }
  void reopen() {
    metered_.reset();
    metered_ = std::make_unique<MeteredStorage>(
        LmdbStorage::open({.directory = dir_.path()}).value());
  }

 private:
  TempDir dir_;
  std::unique_ptr<MeteredStorage> metered_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(MeteredLmdb, StorageConformance, MeteredFactory);

TEST(MeteredStorage, CountsOperationsAndErrors) {
  MeteredStorage metered(std::make_unique<MemoryStorage>());
  must_put(metered, "a", "1");
  value_at(metered, "a");
  value_at(metered, "");
  EXPECT_TRUE(metered.list(""));
  EXPECT_FALSE(metered.list("a"));
  EXPECT_TRUE(metered.scan(""));
  EXPECT_EQ(metered.meters().commit.snapshot().count, 1u);
  EXPECT_EQ(metered.meters().commit.snapshot().errors, 0u);
  EXPECT_EQ(metered.meters().get.snapshot().count, 2u);
  EXPECT_EQ(metered.meters().get.snapshot().errors, 1u);
  EXPECT_EQ(metered.meters().list.snapshot().count, 2u);
  EXPECT_EQ(metered.meters().list.snapshot().errors, 1u);
  EXPECT_EQ(metered.meters().scan.snapshot().count, 1u);
  EXPECT_EQ(metered.kind(), "inmem");
}

TEST(MeteredStorage, MeasuresLatency) {
  MemoryStorage memory;
  auto fault = std::make_unique<FaultStorage>(memory);
  fault->delay(std::chrono::milliseconds(3));
  MeteredStorage metered(std::move(fault));
  value_at(metered, "a");
  const auto get = metered.meters().get.snapshot();
  EXPECT_GE(get.total, std::chrono::milliseconds(3));
  std::uint64_t slow = 0;
  for (std::size_t i = 12; i < OpMeter::kBuckets; ++i) slow += get.buckets[i];
  EXPECT_EQ(slow, 1u);  // 3 ms is at least 2^11 µs
}

TEST(OpMeter, SortsIntoBuckets) {
  using std::chrono::microseconds;
  using std::chrono::nanoseconds;
  EXPECT_EQ(OpMeter::bucket_of(nanoseconds(-5)), 0u);
  EXPECT_EQ(OpMeter::bucket_of(nanoseconds(999)), 0u);
  EXPECT_EQ(OpMeter::bucket_of(microseconds(1)), 1u);
  EXPECT_EQ(OpMeter::bucket_of(microseconds(2)), 2u);
  EXPECT_EQ(OpMeter::bucket_of(microseconds(3)), 2u);
  EXPECT_EQ(OpMeter::bucket_of(microseconds(4)), 3u);
  EXPECT_EQ(OpMeter::bucket_of(std::chrono::hours(1)), OpMeter::kBuckets - 1);
}

}  // namespace
}  // namespace bulla::storage
