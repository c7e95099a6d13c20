// Rotation: by hand, by the clock, and very often.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

using testing::StartsWith;

class KeysRotateTest : public TransitTest {};

TEST_F(KeysRotateTest, AddsAVersion) {
  make_key("k");
  const std::string first = encrypt("k", "x");
  clock_.time += Seconds(60);
  const Outcome outcome = post("keys/k/rotate");
  must(outcome);
  EXPECT_EQ(outcome.at("/latest_version"), "2");
  EXPECT_EQ(outcome.at("/keys"), R"({"1":1700000000,"2":1700000060})");
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v2:"));
  EXPECT_EQ(decrypt("k", first), "x");
  EXPECT_EQ(post_error("keys/no/rotate"), "key not found");
}

TEST_F(KeysRotateTest, AConflictIsTriedAgain) {
  make_key("k");
  storage_.fail_commit(1, storage::FaultStorage::When::kBefore,
                       Error(ErrorCode::kConflict, "conflict"));
  EXPECT_EQ(post("keys/k/rotate").at("/latest_version"), "2");
}

TEST_F(KeysRotateTest, AnUnknownOutcomeIsReadAgain) {
  make_key("k");
  storage_.fail_commit(1, storage::FaultStorage::When::kAfter);
  EXPECT_EQ(post("keys/k/rotate").code, ErrorCode::kUnavailable);
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v2:"));
}

TEST_F(KeysRotateTest, AutoRotationKeepsItsHours) {
  make_key("k", R"({"auto_rotate_period":"1h"})");
  make_key("never");
  const auto latest = [&] { return get("keys/k").at("/latest_version"); };
  clock_.time += Seconds(3000);
  backend_->tick(clock_.time);  // the first look; not due yet
  EXPECT_EQ(latest(), "1");
  clock_.time += Seconds(700);
  backend_->tick(clock_.time);  // due, but within an hour of the last look
  EXPECT_EQ(latest(), "1");
  clock_.time += Seconds(2900);
  backend_->tick(clock_.time);
  EXPECT_EQ(latest(), "2");
  EXPECT_EQ(get("keys/never").at("/latest_version"), "1");
  // Once a look, however long it has been.
  clock_.time += Seconds(36000);
  backend_->tick(clock_.time);
  EXPECT_EQ(latest(), "3");
}

// A clock that was years ahead for a while does not stop rotation for years.
TEST_F(KeysRotateTest, AutoRotationSurvivesAClockThatJumpsBack) {
  make_key("k", R"({"auto_rotate_period":"2h"})");
  const auto latest = [&] { return get("keys/k").at("/latest_version"); };
  const Seconds ahead{10 * 365 * 86400};
  clock_.time += ahead;
  backend_->tick(clock_.time);
  EXPECT_EQ(latest(), "2");
  clock_.time -= ahead;
  backend_->tick(clock_.time);  // version 2 is from the future: no longer so
  EXPECT_EQ(latest(), "3");
  clock_.time += Seconds(7300);
  backend_->tick(clock_.time);
  EXPECT_EQ(latest(), "4");
  // A step that is corrected soon is none.
  clock_.time -= Seconds(3700);
  backend_->tick(clock_.time);
  EXPECT_EQ(latest(), "4");
}

TEST_F(KeysRotateTest, TenThousandRotations) {
  constexpr std::uint32_t kRotations = 10'000;
  make_key("k");
  const std::string first = encrypt("k", "first");
  const std::size_t record_size =
      view_.get(key_path("k")).value()->value.size();
  for (std::uint32_t i = 0; i < kRotations; ++i) {
    ASSERT_TRUE(backend_->keys().update("k", clock_.time, [](KeyRecord&) {
      return Result<KeyEdit>(KeyEdit::kRotate);
    }));
  }
  // The record does not grow, and memory keeps a bounded part of the versions.
  EXPECT_EQ(view_.get(key_path("k")).value()->value.size(), record_size);
  EXPECT_LE(snapshot("k")->versions().size(), 4097U);
  // After a restart the latest version is all that is read, in as many steps
  // as of a key that was never rotated.
  make_key("young");
  const auto steps_of_first_encrypt = [&](std::string_view name) {
    restart();
    storage_.clear();
    encrypt(name, "x");
    return storage_.steps();
  };
  EXPECT_EQ(steps_of_first_encrypt("k"), steps_of_first_encrypt("young"));
  restart();
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v10001:"));
  EXPECT_EQ(snapshot("k")->versions().size(), 1U);
  const std::uint64_t steps = storage_.steps();
  encrypt("k", "x");
  EXPECT_EQ(storage_.steps(), steps);
  EXPECT_EQ(decrypt("k", first), "first");
  EXPECT_EQ(snapshot("k")->versions().size(), 2U);
  // The key body shows all versions, and loads none of them.
  EXPECT_EQ(get("keys/k").at("/keys/5000"), "1700000000");
  EXPECT_EQ(snapshot("k")->versions().size(), 2U);
}

TEST_F(KeysRotateTest, UseGoesOnWhileKeysRotate) {
  make_key("k");
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> users;
  for (int t = 0; t < 2; ++t) {
    users.emplace_back([&] {
      api::LoopState loop;
      api::Context context = request_context(loop);
      const auto use = [&](std::string_view path, std::string_view body) {
        return run(*backend_, context, api::Operation::kUpdate, path, body);
      };
      while (!done.load()) {
        const Outcome sealed = use("encrypt/k", R"({"plaintext":"eA=="})");
        const Outcome opened = use(
            "decrypt/k",
            fmt::format(R"({{"ciphertext":"{}"}})", sealed.at("/ciphertext")));
        if (opened.at("/plaintext") != "eA==") failures.fetch_add(1);
      }
    });
  }
  for (int i = 0; i < 200; ++i) rotate("k");
  done.store(true);
  for (std::thread& user : users) user.join();
  EXPECT_EQ(failures.load(), 0);
  EXPECT_THAT(encrypt("k", "x"), StartsWith("vault:v201:"));
}

TEST_F(KeysRotateTest, ConcurrentRotationsAllCount) {
  make_key("k");
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        EXPECT_TRUE(backend_->keys().update("k", Time{}, [](KeyRecord&) {
          return Result<KeyEdit>(KeyEdit::kRotate);
        }));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(get("keys/k").at("/latest_version"), "101");
  EXPECT_EQ(stored_versions("k"), 101U);
}

}  // namespace
}  // namespace bulla::engine::transit
