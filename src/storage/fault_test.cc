#include "storage/fault.h"

#include <utility>

#include "storage/conformance.h"
#include "storage/memory.h"

namespace bulla::storage {
namespace {

struct FaultFactory {
  static constexpr bool kReopens = false;
  Storage& storage() { return fault_; }
  MemoryStorage memory_;
  FaultStorage fault_{memory_};
};
INSTANTIATE_TYPED_TEST_SUITE_P(FaultMemory, StorageConformance, FaultFactory);

class Fault : public testing::Test {
 protected:
  MemoryStorage memory_;
  FaultStorage fault_{memory_};
  Result<void> put(const std::string& path) {
    return commit_one(fault_, put_change(path, path));
  }
};

TEST_F(Fault, FailsTheNthCommitBeforeIt) {
  fault_.fail_commit(2, FaultStorage::When::kBefore,
                     Error(ErrorCode::kExhausted, "full"));
  EXPECT_TRUE(put("a"));
  EXPECT_EQ(code_of(put("b")), ErrorCode::kExhausted);
  EXPECT_TRUE(put("c"));
  EXPECT_EQ(memory_.scan("").value(), (Names{"a", "c"}));
}

TEST_F(Fault, FailsTheNthCommitAfterIt) {
  fault_.fail_commit(1, FaultStorage::When::kAfter);
  EXPECT_EQ(code_of(put("a")), ErrorCode::kUnavailable);
  EXPECT_EQ(value_at(memory_, "a"), "a");
}

TEST_F(Fault, LosesACommit) {
  fault_.fail_commit(1, FaultStorage::When::kInstead);
  EXPECT_TRUE(put("a"));
  EXPECT_EQ(value_at(memory_, "a"), "<absent>");
}

TEST_F(Fault, DamagesReads) {
  ASSERT_TRUE(put("a"));
  ASSERT_TRUE(put("b"));
  fault_.flip("a", 5, 0x02);
  fault_.drop("b");
  EXPECT_EQ(value_at(fault_, "a"), "c");
  EXPECT_EQ(value_at(fault_, "b"), "<absent>");
  fault_.fail_reads(corrupt("damaged"));
  EXPECT_EQ(value_at(fault_, "a"), "corrupt");
  EXPECT_FALSE(fault_.list(""));
  EXPECT_FALSE(fault_.scan(""));
  fault_.clear();
  EXPECT_EQ(value_at(fault_, "a"), "a");
  EXPECT_EQ(value_at(fault_, "b"), "b");
}

TEST_F(Fault, CrashesAtEveryStep) {
  ASSERT_TRUE(put("a"));
  value_at(fault_, "a");
  ASSERT_TRUE(put("b"));
  const std::uint64_t steps = fault_.steps();
  ASSERT_EQ(steps, 5u);
  // How many of the two puts are stored when the process dies at each step.
  const std::vector<std::size_t> stored{0, 1, 1, 1, 2};
  for (std::uint64_t step = 1; step <= steps; ++step) {
    MemoryStorage memory;
    FaultStorage fault(memory);
    fault.crash_at(step);
    bool alive = commit_one(fault, put_change("a", "a")).has_value();
    alive = alive && fault.get("a").has_value();
    alive = alive && commit_one(fault, put_change("b", "b")).has_value();
    EXPECT_FALSE(alive);
    EXPECT_EQ(value_at(fault, "a"), "unavailable");
    EXPECT_EQ(memory.scan("")->size(), stored[step - 1]) << step;
  }
}

TEST_F(Fault, CallsTheHookAtEveryStep) {
  std::vector<FaultStorage::Step> steps;
  fault_.set_hook([&](FaultStorage::Step step, std::uint64_t number) {
    steps.push_back(step);
    EXPECT_EQ(number, steps.size());
    return step == FaultStorage::Step::kScan
               ? Result<void>(fail(unavailable("hooked")))
               : Result<void>();
  });
  EXPECT_TRUE(put("a"));
  EXPECT_TRUE(fault_.list(""));
  EXPECT_FALSE(fault_.scan(""));
  using Step = FaultStorage::Step;
  EXPECT_EQ(steps, (std::vector<Step>{Step::kBeforeCommit, Step::kAfterCommit,
                                      Step::kList, Step::kScan}));
}

TEST_F(Fault, Delays) {
  fault_.delay(std::chrono::milliseconds(5));
  const auto start = std::chrono::steady_clock::now();
  value_at(fault_, "a");
  EXPECT_GE(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace bulla::storage
