#include "server/lockout.h"

#include <gtest/gtest.h>

#include "crypto/rng.h"
#include "storage/memory.h"

namespace bulla::server {
namespace {

class FixedClock final : public Clock {
 public:
  Time now() const override { return from_unix_nanos(1); }
};

class LockoutsTest : public testing::Test {
 protected:
  LockoutsTest() {
    const auto change = barrier_.create(root_);
    EXPECT_TRUE(change);
    EXPECT_TRUE(storage_.commit({&*change, 1}));
    config_.threshold = 3;
    config_.duration = Seconds{60};
    config_.counter_reset = Seconds{30};
    EXPECT_TRUE(lockouts_.configure("a", config_));
  }
  Time at(int seconds) const { return start_ + Seconds{seconds}; }
  void fail_at(int seconds, std::string_view name = "bob") {
    lockouts_.failed("a", name, at(seconds));
  }
  bool locked(int seconds, std::string_view name = "bob") const {
    return lockouts_.locked("a", name, at(seconds));
  }

  const Time start_ = from_unix_nanos(1'000'000'000'000'000);
  storage::MemoryStorage storage_;
  crypto::SystemRng rng_;
  FixedClock clock_;
  SecretBytes root_ = rng_.secret(32);
  barrier::Barrier barrier_{storage_, rng_, clock_};
  Lockouts lockouts_{barrier::View(barrier_, "lockout/")};
  LockoutConfig config_;
};

TEST_F(LockoutsTest, LocksAtTheThresholdForTheDuration) {
  fail_at(0);
  fail_at(1);
  EXPECT_FALSE(locked(1));
  fail_at(2);
  EXPECT_TRUE(locked(2));
  EXPECT_TRUE(locked(61));
  EXPECT_FALSE(locked(62));
  // Then it counts from one.
  fail_at(63);
  EXPECT_FALSE(locked(63));
}

TEST_F(LockoutsTest, ForgetsFailuresThatAreFarApart) {
  for (const int seconds : {0, 29, 59, 89, 119}) fail_at(seconds);
  EXPECT_FALSE(locked(119));
}

TEST_F(LockoutsTest, ASuccessForgets) {
  fail_at(0);
  fail_at(1);
  lockouts_.forget("a", "bob");
  fail_at(2);
  EXPECT_FALSE(locked(2));
}

TEST_F(LockoutsTest, NamesAndMountsCountApart) {
  for (const int seconds : {0, 1, 2}) fail_at(seconds);
  EXPECT_FALSE(locked(2, "ann"));
  EXPECT_FALSE(lockouts_.locked("b", "bob", at(2)));
  EXPECT_EQ(lockouts_.all(at(2)).size(), 1U);
  EXPECT_TRUE(lockouts_.drop("a"));
  EXPECT_TRUE(lockouts_.all(at(2)).empty());
}

TEST_F(LockoutsTest, CanBeSwitchedOff) {
  for (const int seconds : {0, 1, 2}) fail_at(seconds);
  config_.disabled = true;
  ASSERT_TRUE(lockouts_.configure("a", config_));
  EXPECT_FALSE(locked(2));
}

TEST_F(LockoutsTest, SettingsOutliveASeal) {
  lockouts_.clear();
  EXPECT_EQ(lockouts_.config("a"), LockoutConfig());
  ASSERT_TRUE(lockouts_.load());
  EXPECT_EQ(lockouts_.config("a"), config_);
}

TEST_F(LockoutsTest, ForgetsTheOldestOfTooMany) {
  for (const int seconds : {0, 1, 2}) fail_at(seconds);
  for (std::size_t i = 0; i < Lockouts::kNamesMax; ++i) {
    fail_at(3, "n" + std::to_string(i));
  }
  EXPECT_FALSE(locked(3));
}

TEST(LockoutRecord, HasOneForm) {
  LockoutConfig config;
  config.threshold = 9;
  config.disabled = true;
  const SecretBytes record = serialize_lockout(config);
  const auto back = parse_lockout(record.expose());
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, config);
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(parse_lockout(record.expose().first(size)));
  }
}

}  // namespace
}  // namespace bulla::server
