#include "server/quotas.h"

#include <gtest/gtest.h>

#include "crypto/rng.h"
#include "storage/memory.h"

namespace bulla::server {
namespace {

const Time kStart = from_unix_nanos(1'000'000'000'000'000);

QuotaRule rule(std::string name, std::string path, std::uint64_t requests,
               Seconds interval = Seconds{1}, Seconds block = Seconds{0}) {
  return {std::move(name), std::move(path), requests, interval, block};
}

TEST(Quota, CountsEachClientByItself) {
  Quota quota(rule("q", "", 2));
  EXPECT_FALSE(quota.take("a", kStart));
  EXPECT_FALSE(quota.take("a", kStart));
  const auto wait = quota.take("a", kStart + std::chrono::milliseconds(400));
  ASSERT_TRUE(wait);
  EXPECT_EQ(*wait, std::chrono::milliseconds(600));
  EXPECT_FALSE(quota.take("b", kStart));
  EXPECT_FALSE(quota.take("a", kStart + Seconds{1}));
}

TEST(Quota, BlocksForAsLongAsItSays) {
  Quota quota(rule("q", "", 1, Seconds{1}, Seconds{10}));
  EXPECT_FALSE(quota.take("a", kStart));
  EXPECT_TRUE(quota.take("a", kStart));
  EXPECT_TRUE(quota.take("a", kStart + Seconds{9}));
  EXPECT_FALSE(quota.take("a", kStart + Seconds{10}));
}

TEST(Quota, IsBoundedInMemory) {
  Quota quota(rule("q", "", 1, Seconds{1000}));
  for (std::size_t i = 0; i < 2 * Quota::kClientsMax; ++i) {
    quota.take(std::to_string(i), kStart);
  }
  // Those that nothing is kept of share one count.
  EXPECT_TRUE(quota.take("another", kStart));
  EXPECT_FALSE(quota.take("another", kStart + Seconds{1000}));
}

class QuotasTest : public testing::Test {
 protected:
  QuotasTest() {
    const auto change = barrier_.create(root_);
    EXPECT_TRUE(change);
    EXPECT_TRUE(storage_.commit({&*change, 1}));
    EXPECT_TRUE(quotas_.load());
  }
  bool passes(std::string_view path) {
    return !take_quota(*quotas_.table().load(), path, "transit/", "a", kStart);
  }

  class FixedClock final : public Clock {
   public:
    Time now() const override { return kStart; }
  };

  storage::MemoryStorage storage_;
  crypto::SystemRng rng_;
  FixedClock clock_;
  SecretBytes root_ = rng_.secret(32);
  barrier::Barrier barrier_{storage_, rng_, clock_};
  Quotas quotas_{barrier::View(barrier_, "sys/quotas/")};
};

TEST_F(QuotasTest, TheClosestRulesCount) {
  ASSERT_TRUE(quotas_.set(rule("all", "", 1)));
  ASSERT_TRUE(quotas_.set(rule("mount", "transit/", 2)));
  ASSERT_TRUE(quotas_.set(rule("prefix", "transit/encrypt/*", 3)));
  ASSERT_TRUE(quotas_.set(rule("path", "transit/encrypt/a", 4)));
  const auto passing = [&](std::string_view path) {
    int count = 0;
    while (count < 9 && passes(path)) ++count;
    return count;
  };
  EXPECT_EQ(passing("transit/encrypt/a"), 4);
  EXPECT_EQ(passing("transit/encrypt/b"), 3);
  EXPECT_EQ(passing("transit/keys"), 2);
  EXPECT_FALSE(take_quota(*quotas_.table().load(), "kv/a", "kv/", "a", kStart));
  EXPECT_TRUE(take_quota(*quotas_.table().load(), "kv/a", "kv/", "a", kStart));
  EXPECT_EQ(passing("sys/health"), 9);
}

TEST_F(QuotasTest, SeveralIntervalsHoldTogether) {
  ASSERT_TRUE(quotas_.set(rule("second", "", 2)));
  ASSERT_TRUE(quotas_.set(rule("hour", "", 3, Seconds{3600})));
  EXPECT_FALSE(quotas_.set(rule("same", "", 9)));
  const auto table = quotas_.table().load();
  const auto at = [&](int seconds) {
    return !take_quota(*table, "x", "", "a", kStart + Seconds{seconds});
  };
  EXPECT_TRUE(at(0));
  EXPECT_TRUE(at(0));
  EXPECT_FALSE(at(0));
  EXPECT_FALSE(at(2));
}

TEST_F(QuotasTest, AreKeptAndTakenAway) {
  ASSERT_TRUE(quotas_.set(rule("q", "transit/", 5, Seconds{7}, Seconds{9})));
  ASSERT_TRUE(quotas_.set_exempt({"a", "b/*"}));
  quotas_.clear();
  EXPECT_TRUE(quotas_.table().load()->quotas.empty());
  ASSERT_TRUE(quotas_.load());
  const auto table = quotas_.table().load();
  ASSERT_EQ(table->quotas.size(), 1U);
  EXPECT_EQ(table->quotas[0]->rule(),
            rule("q", "transit/", 5, Seconds{7}, Seconds{9}));
  EXPECT_EQ(table->exempt, (std::vector<std::string>{"a", "b/*"}));
  ASSERT_TRUE(quotas_.remove("q"));
  EXPECT_TRUE(quotas_.table().load()->quotas.empty());
}

TEST(QuotaRecord, HasOneForm) {
  const SecretBytes record =
      serialize_quota(rule("q", "a/*", 5, Seconds{7}, Seconds{9}));
  const auto back = parse_quota("q", record.expose());
  ASSERT_TRUE(back);
  EXPECT_EQ(serialize_quota(*back), record);
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(parse_quota("q", record.expose().first(size)));
  }
}

}  // namespace
}  // namespace bulla::server
