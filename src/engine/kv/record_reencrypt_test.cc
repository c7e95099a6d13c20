#include <atomic>
#include <thread>

#include "engine/kv/store_world.h"

namespace bulla::engine::kv {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RecordReencrypt : public testing::Test, protected StoreWorld {};

std::vector<Time> times_of(const Record& record) {
  std::vector<Time> times{record.created, record.updated};
  for (const auto& [number, version] : record.versions) {
    times.push_back(version.created);
  }
  return times;
}

TEST_F(RecordReencrypt, KeepsVersionsTimesAndIds) {
  for (const auto* data : {"one", "two", "three"}) {
    clock.time += Seconds{1};
    ASSERT_TRUE(write("a", data));
    ASSERT_TRUE(write("b/c", data));
  }
  ASSERT_TRUE(destroy("a", 2));
  const auto before = contents();
  const Record old = record("a");
  const std::string first = rotate();
  clock.time += Seconds{60};
  const auto step = reencrypt(first);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->reencrypted, 2U);
  EXPECT_EQ(step->visited, 2U);
  EXPECT_EQ(step->cursor, "");
  EXPECT_EQ(contents(), before);
  const Record now = record("a");
  EXPECT_EQ(now.id, old.id);
  EXPECT_EQ(times_of(now), times_of(old));
  EXPECT_EQ(deks_of("a"), DekSet{deks[1]});
  EXPECT_EQ(store.index().count(first).value(), 0U);
  EXPECT_EQ(store.index().count(deks[1]).value(), 2U);
  expect_whole();
}

TEST_F(RecordReencrypt, GoesInSteps) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(write(std::to_string(i), "x"));
  const std::string first = rotate();
  std::vector<std::string> damaged;
  std::string cursor;
  std::uint64_t moved = 0;
  for (int steps = 0; steps < 3; ++steps) {
    const auto step = store.reencrypt(first, cursor, 3, damaged);
    ASSERT_TRUE(step);
    moved += step->reencrypted;
    cursor = step->cursor;
    EXPECT_EQ(cursor.empty(), steps == 2);
  }
  EXPECT_EQ(moved, 7U);
  expect_whole();
}

TEST_F(RecordReencrypt, ARecordOfMoreVersionsThanACommitTakes) {
  settings.max_versions = 130;
  for (int i = 0; i < 130; ++i) ASSERT_TRUE(write("a", std::to_string(i)));
  const auto before = contents();
  const std::string first = rotate();
  ASSERT_TRUE(reencrypt(first));
  EXPECT_EQ(deks_of("a"), DekSet{deks[1]});
  EXPECT_EQ(contents(), before);
  expect_whole();
}

TEST_F(RecordReencrypt, TheActiveDekKeepsItsRecords) {
  ASSERT_TRUE(write("a", "x"));
  EXPECT_EQ(reencrypt(deks[0])->reencrypted, 0U);
  expect_whole();
}

TEST_F(RecordReencrypt, ADamagedRecordIsPassedOverAndTold) {
  ASSERT_TRUE(write("a", "x"));
  ASSERT_TRUE(write("b", "x"));
  const std::string entry = body_path(record("a").id, 1);
  auto body = decode_body((*view.get(entry))->value.expose()).value();
  body.bytes.back() ^= 1;
  ASSERT_TRUE(view.put(entry, encode(body).expose()));
  const std::string first = rotate();
  std::vector<std::string> damaged;
  const auto step = store.reencrypt(first, {}, 10, damaged);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->reencrypted, 1U);
  EXPECT_THAT(damaged, ElementsAre(HasSubstr("\"a\"")));
  EXPECT_EQ(store.index().count(first).value(), 1U);
}

// Neither loses: each acknowledged write is there, and no record is left under
// a DEK that was replaced.
TEST_F(RecordReencrypt, GivesWayToWriters) {
  constexpr int kWrites = 300;
  settings.max_versions = 3;
  std::atomic<int> running{2};
  const auto writer = [&](std::string path) {
    for (int i = 1; i <= kWrites; ++i) {
      EXPECT_TRUE(write(path, std::to_string(i)));
    }
    --running;
  };
  std::thread one(writer, "a");
  std::thread two(writer, "b");
  while (running > 0) {
    const std::string before = rotate();
    while (store.index().count(before).value() > 0) {
      ASSERT_TRUE(reencrypt(before));
    }
  }
  one.join();
  two.join();
  const std::map<std::uint64_t, std::string> wanted{
      {298, "298"}, {299, "299"}, {300, "300"}};
  EXPECT_EQ(contents(), (Contents{{"a", wanted}, {"b", wanted}}));
  expect_whole();
}

}  // namespace
}  // namespace bulla::engine::kv
