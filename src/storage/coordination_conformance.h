#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "storage/conformance.h"
#include "storage/coordination.h"

// What every Coordination holds to. An engine's test gives a Factory type:
//   Storage& storage();            empty at first
//   Coordination& coordination();  the same one's
//   Coordination& other();         another process's view of it
//   static constexpr bool kLapses;       leases end by themselves
//   static constexpr std::size_t kKept;  commits that a feed surely goes back
//   void forget_history();         makes a feed of long ago lose it
// and instantiates:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, CoordinationConformance, Factory);

namespace bulla::storage {

inline Candidate candidate(const std::string& name, int lease = 30) {
  return {name, to_bytes(name + "'s address"), std::chrono::seconds(lease)};
}

template <typename Factory>
class CoordinationConformance : public testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kNow{0};
  static constexpr std::chrono::milliseconds kLong{5000};

  Coordination& coordination() { return factory_.coordination(); }
  Coordination& other() { return factory_.other(); }
  Storage& storage() { return factory_.storage(); }
  std::uint64_t lead(Coordination& by, const std::string& name,
                     int lease = 30) {
    const auto attempt = by.try_lead(candidate(name, lease));
    EXPECT_TRUE(attempt && attempt->won);
    return attempt ? attempt->leader.epoch : 0;
  }
  static Result<void> put(Coordination& by, std::uint64_t epoch,
                          const std::string& path) {
    const Change change = put_change(path, path);
    return by.commit_fenced({&change, 1}, epoch);
  }
  /// What the feed gives until it has all that is committed.
  std::set<std::string> drain(ChangeFeed& feed) {
    std::set<std::string> paths;
    const auto newest = coordination().revision().value();
    for (int i = 0; i < 50; ++i) {
      const auto batch = feed.next(kLong);
      EXPECT_TRUE(batch) << batch.error().message();
      if (!batch) break;
      EXPECT_FALSE(batch->lost);
      paths.insert(batch->paths.begin(), batch->paths.end());
      if (batch->revision >= newest) break;
    }
    return paths;
  }
  Factory factory_;
};

TYPED_TEST_SUITE_P(CoordinationConformance);

TYPED_TEST_P(CoordinationConformance, OneLeads) {
  auto& mine = this->coordination();
  auto& theirs = this->other();
  EXPECT_FALSE(mine.leader().value());
  const auto won = mine.try_lead(candidate("one")).value();
  ASSERT_TRUE(won.won);
  EXPECT_EQ(won.leader.name, "one");
  EXPECT_EQ(won.previous, 0u);
  for (Coordination* each : {&mine, &theirs}) {
    const auto lost = each->try_lead(candidate("two")).value();
    EXPECT_FALSE(lost.won);
    EXPECT_EQ(lost.leader.name, "one");
    EXPECT_EQ(lost.leader.epoch, won.leader.epoch);
    EXPECT_EQ(to_text(lost.leader.data), "one's address");
    const auto leader = each->leader().value();
    ASSERT_TRUE(leader);
    EXPECT_EQ(leader->name, "one");
    EXPECT_EQ(leader->epoch, won.leader.epoch);
    EXPECT_TRUE(each->renew(won.leader.epoch));
  }
}

TYPED_TEST_P(CoordinationConformance, EpochsGrow) {
  auto& mine = this->coordination();
  auto& theirs = this->other();
  std::uint64_t before = 0;
  for (int i = 0; i < 3; ++i) {
    auto& by = i % 2 == 0 ? mine : theirs;
    const auto won = by.try_lead(candidate("n" + std::to_string(i))).value();
    ASSERT_TRUE(won.won);
    EXPECT_GT(won.leader.epoch, before);
    EXPECT_EQ(won.previous, before);
    before = won.leader.epoch;
    ASSERT_TRUE(by.release(before));
    ASSERT_TRUE(by.release(before));  // no more to release
    EXPECT_FALSE(theirs.leader().value());
    EXPECT_EQ(code_of(by.renew(before)), ErrorCode::kPermissionDenied);
  }
}

TYPED_TEST_P(CoordinationConformance, ReleasesOnlyItsOwn) {
  const auto old = this->lead(this->coordination(), "old");
  ASSERT_TRUE(this->coordination().release(old));
  const auto now = this->lead(this->other(), "new");
  ASSERT_TRUE(this->coordination().release(old));
  EXPECT_EQ(this->coordination().leader().value()->epoch, now);
}

TYPED_TEST_P(CoordinationConformance, FencesTheDeposed) {
  auto& mine = this->coordination();
  auto& theirs = this->other();
  const auto old = this->lead(mine, "old");
  ASSERT_TRUE(this->put(mine, old, "a"));
  ASSERT_TRUE(mine.release(old));
  EXPECT_EQ(code_of(this->put(mine, old, "b")), ErrorCode::kPermissionDenied);
  const auto now = this->lead(theirs, "new");
  EXPECT_EQ(code_of(this->put(mine, old, "b")), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code_of(mine.commit_fenced({}, old)), ErrorCode::kPermissionDenied);
  ASSERT_TRUE(theirs.commit_fenced({}, now));
  ASSERT_TRUE(this->put(theirs, now, "c"));
  EXPECT_EQ(this->storage().scan("").value(), (Names{"a", "c"}));
  // Versions are held to as ever.
  const Change wrong = put_change("c", "x", Change::kAbsent);
  EXPECT_EQ(code_of(theirs.commit_fenced({&wrong, 1}, now)),
            ErrorCode::kConflict);
}

TYPED_TEST_P(CoordinationConformance, ManyWantToLead) {
  std::atomic<int> won{0};
  auto& mine = this->coordination();
  auto& theirs = this->other();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      auto& by = i % 2 == 0 ? mine : theirs;
      const auto attempt = by.try_lead(candidate("n" + std::to_string(i)));
      if (attempt && attempt->won) ++won;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
}

TYPED_TEST_P(CoordinationConformance, LeasesLapse) {
  if constexpr (TypeParam::kLapses) {
    auto& mine = this->coordination();
    auto& theirs = this->other();
    const auto old = this->lead(mine, "old", 2);
    // Renewed, it lasts longer than it would.
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(700));
      ASSERT_TRUE(mine.renew(old));
    }
    ASSERT_FALSE(theirs.try_lead(candidate("new"))->won);
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(8);
    auto attempt = theirs.try_lead(candidate("new")).value();
    while (!attempt.won && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      attempt = theirs.try_lead(candidate("new")).value();
    }
    ASSERT_TRUE(attempt.won);
    EXPECT_EQ(attempt.previous, old);
    EXPECT_EQ(code_of(mine.renew(old)), ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(this->put(mine, old, "a")), ErrorCode::kPermissionDenied);
  } else {
    GTEST_SKIP() << "leads for as long as it lives";
  }
}

TYPED_TEST_P(CoordinationConformance, ChecksCandidates) {
  auto& mine = this->coordination();
  auto bad = candidate("");
  EXPECT_EQ(mine.try_lead(bad).error().code(), ErrorCode::kInvalidArgument);
  bad = candidate(std::string(Coordination::kNameBytesMax + 1, 'n'));
  EXPECT_EQ(mine.try_lead(bad).error().code(), ErrorCode::kInvalidArgument);
  bad = candidate("n", 0);
  EXPECT_EQ(mine.try_lead(bad).error().code(), ErrorCode::kInvalidArgument);
  bad = candidate("n");
  bad.data.resize(Coordination::kDataBytesMax + 1);
  EXPECT_EQ(mine.try_lead(bad).error().code(), ErrorCode::kInvalidArgument);
  bad.data.resize(Coordination::kDataBytesMax);
  EXPECT_TRUE(mine.try_lead(bad).value().won);
}

TYPED_TEST_P(CoordinationConformance, FeedsWhatIsCommitted) {
  Storage& storage = this->storage();
  must_put(storage, "before", "1");
  const auto after = this->coordination().revision().value();
  const auto feed = this->other().watch(after);
  const auto nothing = feed->next(std::chrono::milliseconds(20)).value();
  EXPECT_TRUE(nothing.paths.empty());
  EXPECT_FALSE(nothing.lost);
  EXPECT_EQ(nothing.revision, after);
  const std::vector<Change> changes{put_change("a", "1"),
                                    put_change("b\xff/\n", ""),
                                    delete_change("before")};
  ASSERT_TRUE(storage.commit(changes));
  must_put(storage, "c", "1");
  EXPECT_EQ(this->drain(*feed),
            (std::set<std::string>{"a", "b\xff/\n", "before", "c"}));
  EXPECT_EQ(feed->next(this->kNow)->paths.size(), 0u);
  // From the start, and what the leader writes too.
  const auto epoch = this->lead(this->coordination(), "one");
  ASSERT_TRUE(this->put(this->coordination(), epoch, "d"));
  EXPECT_EQ(this->drain(*feed), (std::set<std::string>{"d"}));
  const auto from_then = this->coordination().watch(after);
  EXPECT_TRUE(this->drain(*from_then).contains("c"));
}

TYPED_TEST_P(CoordinationConformance, AConflictIsNotFed) {
  Storage& storage = this->storage();
  must_put(storage, "a", "1");
  const auto before = this->coordination().revision().value();
  const auto feed = this->coordination().watch(before);
  EXPECT_EQ(code_of(commit_one(storage, put_change("a", "2", 12345))),
            ErrorCode::kConflict);
  EXPECT_TRUE(feed->next(this->kNow)->paths.empty());
  EXPECT_EQ(this->coordination().revision().value(), before);
}

TYPED_TEST_P(CoordinationConformance, WakesAWaitingFeed) {
  must_put(this->storage(), "a", "1");
  const auto feed =
      this->other().watch(this->coordination().revision().value());
  ASSERT_TRUE(feed->next(this->kNow));
  std::thread writer([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    must_put(this->storage(), "b", "1");
  });
  const auto start = std::chrono::steady_clock::now();
  const auto batch = feed->next(std::chrono::seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  writer.join();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->paths, Names{"b"});
}

TYPED_TEST_P(CoordinationConformance, GoesBackThroughManyCommits) {
  Storage& storage = this->storage();
  must_put(storage, "first", "1");
  const auto after = this->coordination().revision().value();
  std::set<std::string> all;
  for (std::size_t i = 0; i < TypeParam::kKept; ++i) {
    const auto path = "p" + std::to_string(i);
    must_put(storage, path, "v");
    all.insert(path);
  }
  EXPECT_EQ(this->drain(*this->other().watch(after)), all);
}

TYPED_TEST_P(CoordinationConformance, SaysWhenHistoryIsLost) {
  must_put(this->storage(), "a", "1");
  const auto after = this->coordination().revision().value();
  must_put(this->storage(), "b", "1");
  must_put(this->storage(), "b", "2");
  this->factory_.forget_history();
  const auto feed = this->other().watch(after);
  auto batch = feed->next(this->kLong);
  ASSERT_TRUE(batch) << batch.error().message();
  EXPECT_TRUE(batch->lost);
  EXPECT_EQ(batch->revision, this->coordination().revision().value());
  must_put(this->storage(), "c", "1");
  EXPECT_TRUE(this->drain(*feed).contains("c"));
  // A revision that storage has never had.
  const auto ahead = this->other().watch(batch->revision + 1'000'000);
  batch = ahead->next(this->kNow);
  ASSERT_TRUE(batch) << batch.error().message();
  EXPECT_TRUE(batch->lost);
}

REGISTER_TYPED_TEST_SUITE_P(CoordinationConformance, OneLeads, EpochsGrow,
                            ReleasesOnlyItsOwn, FencesTheDeposed,
                            ManyWantToLead, LeasesLapse, ChecksCandidates,
                            FeedsWhatIsCommitted, AConflictIsNotFed,
                            WakesAWaitingFeed, GoesBackThroughManyCommits,
                            SaysWhenHistoryIsLost);

}  // namespace bulla::storage
