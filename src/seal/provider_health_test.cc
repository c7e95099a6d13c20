#include "seal/provider_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "seal/test_world.h"

namespace bulla::seal {
namespace {

using ::testing::HasSubstr;

class ProviderHealthTest : public testing::Test {
 protected:
  ~ProviderHealthTest() override { ::unlink(path_.c_str()); }
  std::string logged() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path_ = "provider_health_test." + std::to_string(::getpid());
  World world_;
  Logger log_{
      world_.clock, LogLevel::kInfo, LogFormat::kStandard,
      ::open(path_.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600)};
  std::shared_ptr<FaultyKek::Switch> faults_ =
      std::make_shared<FaultyKek::Switch>();
  FaultyKek kek_{env_kek(world_, {1}, "main"), faults_};
};

TEST_F(ProviderHealthTest, TellsChangesOnce) {
  ProviderHealth health({{&kek_, {}}}, world_.clock, log_);
  EXPECT_EQ(health.seen()[0].probes, 0U);
  EXPECT_TRUE(health.probe(0));
  EXPECT_TRUE(health.probe(0));
  EXPECT_THAT(logged(), HasSubstr("a seal answers"));
  faults_->error = unavailable("the KMS does not answer");
  EXPECT_FALSE(health.probe(0));
  const std::string once = logged();
  EXPECT_THAT(once, HasSubstr("the KMS does not answer"));
  EXPECT_FALSE(health.probe(0));
  EXPECT_EQ(logged(), once);
  auto seen = health.seen()[0];
  EXPECT_FALSE(seen.up);
  EXPECT_EQ(seen.probes, 4U);
  EXPECT_EQ(seen.failures, 2U);
  EXPECT_EQ(seen.error, "the KMS does not answer");
  world_.clock.step(Seconds{90});
  faults_->error.reset();
  EXPECT_TRUE(health.probe(0));
  EXPECT_THAT(logged(), HasSubstr("seconds_down=90"));
  EXPECT_EQ(health.seen()[0].error, "");
}

TEST_F(ProviderHealthTest, AProviderThatLiesIsDown) {
  ProviderHealth health({{&kek_, {}}}, world_.clock, log_);
  faults_->other_secret = true;
  EXPECT_FALSE(health.probe(0));
  EXPECT_THAT(health.seen()[0].error, HasSubstr("opened to another"));
}

TEST_F(ProviderHealthTest, ProbesByItselfAndNobodyWaitsForASlowOne) {
  const auto slow_faults = std::make_shared<FaultyKek::Switch>();
  slow_faults->delay = std::chrono::milliseconds(200);
  FaultyKek slow(env_kek(world_, {1}, "slow"), slow_faults);
  FaultyKek unwatched(env_kek(world_, {1}, "unwatched"), faults_);
  HealthOptions off;
  off.enabled = false;
  HealthOptions often;
  often.interval = Seconds{0};
  {
    ProviderHealth health({{&slow, often}, {&kek_, often}, {&unwatched, off}},
                          world_.clock, log_);
    health.start();
    while (health.seen()[1].probes < 10) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_LT(health.seen()[0].probes, 5U);
    EXPECT_EQ(health.seen()[2].probes, 0U);
  }
}

}  // namespace
}  // namespace bulla::seal
