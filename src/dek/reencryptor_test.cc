#include "dek/reencryptor.h"

#include <thread>

#include "base/encoding.h"
#include "dek/test_support.h"

namespace bulla::dek {
namespace {

using testing::HasSubstr;

constexpr int kRecords = 600;

class ReencryptorTest : public testing::Test {
 protected:
  ReencryptorTest() {
    share_ = live_.init();
    first_ = live_.active();
    live_.holders.add("a", main_);
    live_.holders.add("b", other_);
    for (int i = 0; i < kRecords; ++i) {
      main_->put(std::to_string(i), "body" + std::to_string(i));
    }
    other_->put("o", "of payroll");
    EXPECT_TRUE(live_.registry.create({"second"}));
    EXPECT_TRUE(jobs_.load());
  }

  Job start(const ReencryptOrder& order = {}) {
    auto job = jobs_.start(order);
    EXPECT_TRUE(job) << job.error().message();
    return *job;
  }
  /// Steps until no job runs.
  Job finish(const std::string& id) {
    for (int i = 0; i < 1000; ++i) {
      if (jobs_.find(id)->state != JobState::kRunning) break;
      jobs_.step();
    }
    return *jobs_.find(id);
  }
  std::uint64_t left() { return live_.registry.uses(first_).value(); }
  void expect_bodies() {
    for (int i = 0; i < kRecords; ++i) {
      ASSERT_EQ(main_->get(std::to_string(i)), "body" + std::to_string(i));
    }
  }

  seal::World world_;
  DekNode live_{world_};
  SecretBytes share_;
  std::string first_;
  std::shared_ptr<FakeHolder> main_ =
      std::make_shared<FakeHolder>(live_.registry, "default");
  std::shared_ptr<FakeHolder> other_ =
      std::make_shared<FakeHolder>(live_.registry, "payroll");
  std::vector<std::string> lines_;
  JanitorOptions janitor_{Seconds{60}, 100};
  Reencryptor jobs_{
      live_.registry,
      live_.holders,
      live_.node.barrier,
      world_.rng,
      world_.clock,
      world_.log,
      janitor_,
      [this](auto path, auto data) {
        lines_.push_back(std::string(path) + " " + std::string(data));
        return Result<void>();
      }};
};

TEST_F(ReencryptorTest, MovesEveryRecordOfDeprecatedKeys) {
  const Job job = start();
  EXPECT_EQ(job.total, 600U);
  EXPECT_EQ(left(), 600U);
  const Job done = finish(job.id);
  EXPECT_EQ(done.state, JobState::kComplete);
  EXPECT_EQ(done.reencrypted, 600U);
  EXPECT_EQ(left(), 0U);
  EXPECT_EQ(live_.registry.uses(live_.active()).value(), 600U);
  expect_bodies();
}

TEST_F(ReencryptorTest, KeepsToOneKeyOrOneScope) {
  EXPECT_THAT(jobs_.start({live_.active()}).error().message(),
              HasSubstr("is active"));
  EXPECT_EQ(jobs_.start({"absent"}).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(live_.registry.create({"p", "", "", "payroll"}));
  const Job payroll = start({"", "payroll"});
  EXPECT_EQ(payroll.total, 1U);
  EXPECT_EQ(finish(payroll.id).reencrypted, 1U);
  EXPECT_EQ(left(), 600U);
  const Job one = start({first_});
  EXPECT_EQ(finish(one.id).state, JobState::kComplete);
  EXPECT_EQ(left(), 0U);
  EXPECT_EQ(jobs_.list()->size(), 2U);
}

TEST_F(ReencryptorTest, EndsAtItsLimit) {
  EXPECT_EQ(jobs_.count({"", "", 300}).value(), 300U);
  const Job job = start({"", "", 300});
  const Job done = finish(job.id);
  EXPECT_EQ(done.state, JobState::kComplete);
  EXPECT_EQ(done.reencrypted, 300U);
  EXPECT_EQ(left(), 300U);
}

TEST_F(ReencryptorTest, KeepsToItsRate) {
  const Job job = start({"", "", 0, 40});
  EXPECT_EQ(jobs_.step(), Duration{Seconds{1}} / 4);
  const Job seen = *jobs_.find(job.id);
  EXPECT_EQ(seen.reencrypted, 10U);
  EXPECT_DOUBLE_EQ(seen.speed(), 40);
  EXPECT_EQ(seen.eta(), Seconds{15});
}

TEST_F(ReencryptorTest, OneJobAtATime) {
  const Job job = start();
  EXPECT_EQ(start().id, job.id);
  EXPECT_THAT(jobs_.start({"", "", 5}).error().message(),
              HasSubstr("job " + job.id + " is running"));
  jobs_.set_state(job.id, JobState::kPaused);
  EXPECT_THAT(jobs_.start({"", "", 5}).error().message(),
              HasSubstr("is paused"));
  jobs_.set_state(job.id, JobState::kCancelled);
  EXPECT_NE(start({"", "", 5}).id, job.id);
}

TEST_F(ReencryptorTest, IsPausedResumedAndCancelled) {
  const Job job = start({.rate = 1024});  // 256 a step
  jobs_.step();
  ASSERT_EQ(jobs_.set_state(job.id, JobState::kPaused)->state,
            JobState::kPaused);
  const std::uint64_t after = left();
  jobs_.step();
  EXPECT_EQ(left(), after);
  ASSERT_TRUE(jobs_.set_state(job.id, JobState::kRunning));
  jobs_.step();
  EXPECT_LT(left(), after);
  ASSERT_TRUE(jobs_.set_state(job.id, JobState::kCancelled));
  const std::uint64_t rest = left();
  jobs_.step();
  EXPECT_EQ(left(), rest);
  EXPECT_THAT(jobs_.set_state(job.id, JobState::kRunning).error().message(),
              HasSubstr("is cancelled"));
  EXPECT_TRUE(jobs_.set_state(job.id, JobState::kCancelled));
  EXPECT_EQ(jobs_.set_state("absent", JobState::kPaused).error().code(),
            ErrorCode::kNotFound);
  expect_bodies();
}

TEST_F(ReencryptorTest, GoesOnAfterARestart) {
  const Job job = start({.rate = 1024});  // 256 a step
  jobs_.step();
  const Job before = *jobs_.find(job.id);
  EXPECT_EQ(before.reencrypted, 256U);
  jobs_.clear();
  EXPECT_EQ(jobs_.list().error().code(), ErrorCode::kSealed);
  EXPECT_EQ(jobs_.start({}).error().code(), ErrorCode::kSealed);
  EXPECT_EQ(jobs_.step(), Duration{Seconds{1}});
  ASSERT_TRUE(jobs_.load());
  EXPECT_EQ(jobs_.find(job.id)->reencrypted, 256U);
  EXPECT_EQ(jobs_.find(job.id)->cursor, before.cursor);
  EXPECT_EQ(finish(job.id).reencrypted, 600U);
  EXPECT_EQ(left(), 0U);
  expect_bodies();
}

// A place that means nothing any more costs another pass, and no record.
TEST_F(ReencryptorTest, MissesNothingWhereMountsCameAndWent) {
  const Job job = start();
  jobs_.step();
  jobs_.clear();
  live_.holders.add("0", other_);  // now the first one
  ASSERT_TRUE(jobs_.load());
  EXPECT_EQ(finish(job.id).state, JobState::kComplete);
  EXPECT_EQ(left(), 0U);
}

TEST_F(ReencryptorTest, WaitsForStorageAndTellsSo) {
  const Job job = start();
  main_->fault = Error(ErrorCode::kExhausted, "no space left");
  EXPECT_EQ(jobs_.step(), Duration{Reencryptor::kRetryAfter});
  EXPECT_EQ(jobs_.find(job.id)->state, JobState::kRunning);
  EXPECT_EQ(jobs_.find(job.id)->error, "no space left");
  main_->fault.reset();
  const Job done = finish(job.id);
  EXPECT_EQ(done.state, JobState::kComplete);
  EXPECT_EQ(done.error, "");
}

TEST_F(ReencryptorTest, FailsWhereItCannotGetOn) {
  main_->fault = corrupt("m/1: altered");
  EXPECT_EQ(finish(start().id).state, JobState::kFailed);
  main_->fault.reset();
  main_->stubborn.insert("7");
  const Job done = finish(start().id);
  EXPECT_EQ(done.state, JobState::kFailed);
  EXPECT_EQ(done.error, "1 records are still under deprecated DEKs");
  EXPECT_EQ(done.reencrypted, 599U);
}

TEST_F(ReencryptorTest, ADamagedJobIsPassedOver) {
  const Job job = start();
  jobs_.clear();
  ASSERT_TRUE(live_.node.barrier.put(job.path(), as_bytes("x")));
  ASSERT_TRUE(jobs_.load());
  EXPECT_TRUE(jobs_.list()->empty());
  EXPECT_EQ(finish(start().id).state, JobState::kComplete);
}

TEST_F(ReencryptorTest, OldJobsAreForgotten) {
  for (std::size_t i = 0; i < Reencryptor::kJobsKept + 5; ++i) {
    world_.clock.step(Seconds{1});
    finish(start({"", "", 1}).id);
  }
  const auto all = jobs_.list();
  EXPECT_EQ(all->size(), Reencryptor::kJobsKept);
  EXPECT_GT(all->front().created_at, all->back().created_at);
}

TEST_F(ReencryptorTest, TheJanitorTakesItsShareOfDeprecatedKeys) {
  jobs_.step();
  EXPECT_EQ(left(), 600U);
  world_.clock.step(Seconds{60});
  jobs_.step();
  EXPECT_EQ(left(), 500U);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0], "encryption-keys/" + first_ +
                           R"(/reencrypt {"limit":100,)"
                           R"("reason":"deprecated_key_janitor"})");
  jobs_.step();
  EXPECT_EQ(left(), 500U);
  for (int i = 0; i < 6; ++i) {
    world_.clock.step(Seconds{60});
    jobs_.step();
  }
  EXPECT_EQ(left(), 0U);
  EXPECT_EQ(lines_.size(), 6U);
  expect_bodies();
}

TEST_F(ReencryptorTest, AJanitorOfNothingDoesNothing) {
  for (const JanitorOptions options :
       {JanitorOptions{Seconds{0}, 100}, JanitorOptions{Seconds{60}, 0}}) {
    Reencryptor idle(live_.registry, live_.holders, live_.node.barrier,
                     world_.rng, world_.clock, world_.log, options);
    ASSERT_TRUE(idle.load());
    world_.clock.step(Seconds{60});
    idle.step();
    EXPECT_EQ(left(), 600U);
  }
}

TEST_F(ReencryptorTest, AThreadDoesIt) {
  const ReencryptThread thread(jobs_);
  const Job job = start();
  for (int i = 0; i < 500; ++i) {
    if (jobs_.find(job.id)->state == JobState::kComplete) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(jobs_.find(job.id)->state, JobState::kComplete);
}

TEST(JobRecord, HasItsGoldenBytes) {
  Job job;
  job.id = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9";
  job.scope = "s";
  job.limit = 1;
  job.rate = 2;
  job.state = JobState::kPaused;
  job.created_at = from_unix_nanos(3);
  job.updated_at = from_unix_nanos(4);
  job.running = Duration{5};
  job.total = 6;
  job.visited = 7;
  job.reencrypted = 8;
  job.error = "e";
  job.holder = 9;
  job.cursor = "c";
  job.in_pass = 10;
  const SecretBytes bytes = job.serialise();
  EXPECT_EQ(hex_encode(bytes.expose()),
            "01"
            "00000024" +
                hex_encode(as_bytes(job.id)) +
                "00000000"
                "0000000173"
                "0000000000000001"
                "0000000000000002"
                "02"
                "0000000000000003"
                "0000000000000004"
                "0000000000000005"
                "0000000000000006"
                "0000000000000007"
                "0000000000000008"
                "0000000165"
                "00000000"
                "0000000000000009"
                "0000000163"
                "000000000000000a");
  const auto parsed = Job::parse(bytes.expose());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->serialise(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Job::parse(bytes.expose().first(size)));
  }
  job.state = JobState{6};
  EXPECT_FALSE(Job::parse(job.serialise().expose()));
}

}  // namespace
}  // namespace bulla::dek
