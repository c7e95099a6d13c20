#include "snapshot/migrate.h"

#include <gmock/gmock.h>

#include "storage/conformance.h"
#include "storage/fault.h"
#include "storage/lmdb.h"
#include "storage/memory.h"
#include "storage/temp_dir.h"

namespace bulla::storage {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StorageConformance);
}  // namespace bulla::storage

namespace bulla::snapshot {
namespace {

using storage::Change;
using storage::code_of;
using storage::commit_one;
using storage::delete_change;
using storage::FaultStorage;
using storage::MemoryStorage;
using storage::must_put;
using storage::Names;
using storage::Storage;
using storage::value_at;
using testing::HasSubstr;

constexpr std::string_view kSealConfig = "core/seal-config";

class Migrate : public testing::Test {
 protected:
  void fill(int entries = 700) {
    for (int i = 0; i < entries; ++i) {
      must_put(source_, "p/" + std::to_string(i),
               std::string(static_cast<std::size_t>(i), 'v'));
    }
    must_put(source_, std::string(kSealConfig), "seal");
  }
  Result<Migrated> run(Storage& to, std::optional<std::string> start = {}) {
    return migrate(source_, to, {.start = std::move(start), .progress = {}});
  }
  static Names all_of(Storage& storage) {
    Names all;
    const Names paths = storage.scan("").value();
    for (const auto& path : paths) {
      all.push_back(path + "=" + value_at(storage, path));
    }
    return all;
  }
  ErrorCode error_of(const Result<Migrated>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::kInternal : result.error().code();
  }

  MemoryStorage source_;
  MemoryStorage destination_;
};

TEST_F(Migrate, CopiesAll) {
  fill();
  const auto done = run(destination_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->entries, 701u);
  EXPECT_EQ(done->written, 700u);
  EXPECT_FALSE(done->resumed);
  EXPECT_EQ(all_of(destination_), all_of(source_));
  EXPECT_TRUE(check_not_migrating(destination_));
}

TEST_F(Migrate, TakesTheLargestEntries) {
  const std::string value(Storage::kValueBytesMax, 'v');
  for (int i = 0; i < 5; ++i) {
    must_put(source_, std::string(Storage::kPathBytesMax, 'a' + i), value);
  }
  storage::TempDir dir;
  const auto lmdb =
      storage::LmdbStorage::open({.directory = dir.path()}).value();
  ASSERT_TRUE(run(*lmdb));
  EXPECT_EQ(all_of(*lmdb), all_of(source_));
}

TEST_F(Migrate, RefusesWhatHoldsSomething) {
  EXPECT_EQ(error_of(run(destination_)), ErrorCode::kNotFound);
  fill(3);
  must_put(destination_, "x", "theirs");
  EXPECT_EQ(error_of(run(destination_)), ErrorCode::kConflict);
  EXPECT_EQ(all_of(destination_), Names{"x=theirs"});
  ASSERT_TRUE(commit_one(destination_, delete_change("x")));
  ASSERT_TRUE(run(destination_));
  // What is there now is an installation.
  EXPECT_EQ(error_of(run(destination_)), ErrorCode::kConflict);
  must_put(source_, std::string(kMigrationPath), "bulla migration 1\n");
  MemoryStorage third;
  EXPECT_EQ(error_of(run(third)), ErrorCode::kConflict);
}

// A crash at each commit: the next run goes on, and no half-made storage looks
// like an installation.
TEST_F(Migrate, GoesOnAfterACrashAnywhere) {
  fill();
  FaultStorage counted(destination_);
  ASSERT_TRUE(run(counted));
  const std::uint64_t steps = counted.steps();
  for (std::uint64_t step = 1; step <= steps; ++step) {
    MemoryStorage to;
    FaultStorage fault(to);
    fault.crash_at(step);
    ASSERT_EQ(error_of(run(fault)), ErrorCode::kUnavailable) << step;
    const bool whole = value_at(to, kSealConfig) == "seal";
    const bool marked = value_at(to, kMigrationPath) != "<absent>";
    const bool empty = to.scan("")->empty();
    ASSERT_EQ(1, int{whole} + int{marked} + int{empty}) << step;
    if (whole) continue;
    ASSERT_EQ(bool{check_not_migrating(to)}, empty);
    const auto done = run(to);
    ASSERT_TRUE(done) << step << ": " << done.error().message();
    ASSERT_EQ(done->resumed, marked);
    ASSERT_EQ(all_of(to), all_of(source_));
  }
}

// The source was served again between two runs.
TEST_F(Migrate, MendsWhatChangedSinceTheFirstRun) {
  fill();
  FaultStorage fault(destination_);
  fault.fail_commit(5, FaultStorage::When::kBefore);
  EXPECT_EQ(error_of(run(fault)), ErrorCode::kUnavailable);
  must_put(source_, "a", "new");
  must_put(source_, "p/0", "changed");
  ASSERT_TRUE(commit_one(source_, delete_change("p/1")));
  const auto done = run(destination_);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->resumed);
  EXPECT_EQ(all_of(destination_), all_of(source_));
}

TEST_F(Migrate, StartsWhereItIsTold) {
  fill();
  const auto done = run(destination_, "p/5");
  ASSERT_TRUE(done);
  EXPECT_EQ(all_of(destination_), all_of(source_));
}

// What is written and never arrives is found.
TEST_F(Migrate, FindsALostWrite) {
  fill();
  FaultStorage fault(destination_);
  fault.fail_commit(4, FaultStorage::When::kInstead);
  ASSERT_TRUE(run(fault));
  EXPECT_EQ(all_of(destination_), all_of(source_));
}

TEST_F(Migrate, ADamagedRecordIsNoPlaceToGoOn) {
  fill(3);
  must_put(destination_, std::string(kMigrationPath), "x");
  EXPECT_EQ(error_of(run(destination_)), ErrorCode::kCorrupt);
  EXPECT_EQ(code_of(check_not_migrating(destination_)), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bulla::snapshot
