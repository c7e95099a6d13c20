#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "storage/storage.h"

// What every Storage holds to. An engine's test gives a Factory type:
//   Storage& storage();                 empty at first
//   static constexpr bool kReopens;     and when true:
//   void reopen();                      closes, and opens the same data again
// and instantiates:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, StorageConformance, Factory);

namespace bulla::storage {

using Names = std::vector<std::string>;

inline Change put_change(std::string path, std::string_view value,
                         std::optional<std::uint64_t> expected = {}) {
  return {std::move(path), to_bytes(value), expected};
}
inline Change delete_change(std::string path,
                            std::optional<std::uint64_t> expected = {}) {
  return {std::move(path), std::nullopt, expected};
}
inline Result<void> commit_one(Storage& storage, const Change& change) {
  return storage.commit({&change, 1});
}
inline void must_put(Storage& storage, const std::string& path,
                     std::string_view value) {
  const auto done = commit_one(storage, put_change(path, value));
  ASSERT_TRUE(done) << path << ": " << done.error().message();
}
/// The value at `path`, "<absent>", or the error's name.
inline std::string value_at(Storage& storage, std::string_view path) {
  const auto entry = storage.get(path);
  if (!entry) return std::string(error_code_name(entry.error().code()));
  return *entry ? to_text((*entry)->value) : "<absent>";
}
inline std::uint64_t version_at(Storage& storage, std::string_view path) {
  const auto entry = storage.get(path);
  return entry && *entry ? (*entry)->version : Change::kAbsent;
}
inline ErrorCode code_of(const Result<void>& result) {
  EXPECT_FALSE(result) << "an error was expected";
  return result ? ErrorCode::kInternal : result.error().code();
}

template <typename Factory>
class StorageConformance : public testing::Test {
 protected:
  Storage& storage() { return factory_.storage(); }
  void fill(const Names& paths) {
    for (const auto& path : paths) must_put(storage(), path, path);
  }
  Factory factory_;
};

TYPED_TEST_SUITE_P(StorageConformance);

TYPED_TEST_P(StorageConformance, PutsGetsAndDeletes) {
  Storage& storage = this->storage();
  EXPECT_EQ(value_at(storage, "a"), "<absent>");
  must_put(storage, "a", "1");
  must_put(storage, "a/b", "");
  EXPECT_EQ(value_at(storage, "a"), "1");
  EXPECT_EQ(value_at(storage, "a/b"), "");
  EXPECT_EQ(value_at(storage, "a/"), "<absent>");
  ASSERT_TRUE(commit_one(storage, delete_change("a")));
  ASSERT_TRUE(commit_one(storage, delete_change("a")));  // absent already
  EXPECT_EQ(value_at(storage, "a"), "<absent>");
  EXPECT_TRUE(storage.commit({}));
}

TYPED_TEST_P(StorageConformance, TakesAnyBytes) {
  Storage& storage = this->storage();
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  must_put(storage, all, all);
  must_put(storage, std::string("\0", 1), "nul");
  EXPECT_EQ(value_at(storage, all), all);
  EXPECT_EQ(storage.scan("").value(), (Names{std::string("\0", 1), all}));
}

TYPED_TEST_P(StorageConformance, NeverReusesAVersion) {
  Storage& storage = this->storage();
  std::set<std::uint64_t> seen{Change::kAbsent};
  for (int i = 0; i < 5; ++i) {
    must_put(storage, "a", "same");
    EXPECT_TRUE(seen.insert(version_at(storage, "a")).second);
    if (i % 2 == 0) {
      ASSERT_TRUE(commit_one(storage, delete_change("a")));
    }
  }
}

TYPED_TEST_P(StorageConformance, HoldsItsLimits) {
  Storage& storage = this->storage();
  const std::string path(Storage::kPathBytesMax, 'p');
  must_put(storage, path, "v");
  EXPECT_EQ(value_at(storage, path), "v");
  EXPECT_EQ(value_at(storage, path + "p"), "invalid_argument");
  EXPECT_EQ(value_at(storage, ""), "invalid_argument");
  for (const std::string& bad : {std::string(), path + "p"}) {
    const std::vector<Change> changes{put_change("ok", "v"),
                                      put_change(bad, "v")};
    EXPECT_EQ(code_of(storage.commit(changes)), ErrorCode::kInvalidArgument);
  }
  const std::string value(Storage::kValueBytesMax, 'v');
  must_put(storage, "big", value);
  EXPECT_EQ(value_at(storage, "big"), value);
  EXPECT_EQ(code_of(commit_one(storage, put_change("ok", value + "v"))),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(value_at(storage, "ok"), "<absent>");
}

TYPED_TEST_P(StorageConformance, LimitsTheChangesOfACommit) {
  Storage& storage = this->storage();
  std::vector<Change> changes;
  for (std::size_t i = 0; i < Storage::kChangesMax; ++i) {
    changes.push_back(put_change("n" + std::to_string(i), "v"));
  }
  ASSERT_TRUE(storage.commit(changes));
  EXPECT_EQ(storage.scan("n")->size(), Storage::kChangesMax);
  changes.push_back(put_change("more", "v"));
  EXPECT_EQ(code_of(storage.commit(changes)), ErrorCode::kInvalidArgument);
  const std::vector<Change> twice{put_change("x", "1"), delete_change("x")};
  EXPECT_EQ(code_of(storage.commit(twice)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(value_at(storage, "more"), "<absent>");
  EXPECT_EQ(value_at(storage, "x"), "<absent>");
}

TYPED_TEST_P(StorageConformance, ListsSegments) {
  Storage& storage = this->storage();
  this->fill(
      {"a", "a-b", "a/x", "a/y/z", "b/1", "b/2", "c/", "d\xff", "d0", "z//q"});
  const Names top{"a", "a-b", "a/", "b/", "c/", "d0", "d\xff", "z/"};
  EXPECT_EQ(storage.list("").value(), top);
  EXPECT_EQ(storage.list("a/").value(), (Names{"x", "y/"}));
  EXPECT_EQ(storage.list("a/y/").value(), (Names{"z"}));
  EXPECT_EQ(storage.list("c/").value(), Names{});
  EXPECT_EQ(storage.list("z/").value(), Names{"/"});
  EXPECT_EQ(storage.list("none/").value(), Names{});
  const auto unended = storage.list("a");
  ASSERT_FALSE(unended);
  EXPECT_EQ(unended.error().code(), ErrorCode::kInvalidArgument);
}

TYPED_TEST_P(StorageConformance, PagesLists) {
  Storage& storage = this->storage();
  this->fill({"p/a", "p/b/1", "p/b/2", "p/c", "p/d/1"});
  const Names whole{"a", "b/", "c", "d/"};
  for (std::size_t limit = 1; limit <= 5; ++limit) {
    Names paged;
    std::string after;
    while (true) {
      const auto page = storage.list("p/", after, limit).value();
      ASSERT_LE(page.size(), limit);
      if (page.empty()) break;
      paged.insert(paged.end(), page.begin(), page.end());
      after = page.back();
    }
    EXPECT_EQ(paged, whole) << limit;
  }
  EXPECT_EQ(storage.list("p/", "b").value(), (Names{"b/", "c", "d/"}));
  EXPECT_EQ(storage.list("p/", "b/1").value(), (Names{"c", "d/"}));
  EXPECT_EQ(storage.list("p/", "zz").value(), Names{});
  EXPECT_EQ(storage.list("p/", std::string(2000, 'a')).value(),
            (Names{"b/", "c", "d/"}));
}

TYPED_TEST_P(StorageConformance, ScansPaths) {
  Storage& storage = this->storage();
  this->fill({"a", "ab", "ab/1", "ab/2", "abc", "b", "\xff"});
  EXPECT_EQ(storage.scan("ab").value(), (Names{"ab", "ab/1", "ab/2", "abc"}));
  EXPECT_EQ(storage.scan("ab", "ab/1").value(), (Names{"ab/2", "abc"}));
  EXPECT_EQ(storage.scan("ab", "a").value().size(), 4u);
  EXPECT_EQ(storage.scan("ab", "b").value(), Names{});
  EXPECT_EQ(storage.scan("", "ab", 2).value(), (Names{"ab/1", "ab/2"}));
  EXPECT_EQ(storage.scan("", "b").value(), Names{"\xff"});
  EXPECT_EQ(storage.scan("").value().size(), 7u);
}

/// "path=value" of every entry from where `snapshot` stands.
inline Names rest_of(Snapshot& snapshot) {
  Names rest;
  while (true) {
    const auto item = snapshot.next();
    EXPECT_TRUE(item) << item.error().message();
    if (!item || !*item) return rest;
    rest.push_back((*item)->path + "=" + to_text((*item)->value));
  }
}

TYPED_TEST_P(StorageConformance, SnapshotsOneMoment) {
  Storage& storage = this->storage();
  EXPECT_EQ(rest_of(*storage.snapshot().value()), Names{});
  // Room for what follows, so that no engine needs the snapshot gone.
  must_put(storage, "room", std::string(Storage::kValueBytesMax, 'v'));
  ASSERT_TRUE(commit_one(storage, delete_change("room")));
  this->fill({"a", "a/b", "b", "c"});
  const auto before = storage.snapshot().value();
  ASSERT_TRUE(commit_one(storage, delete_change("b")));
  must_put(storage, "a/b", "new");
  must_put(storage, "aa", "new");
  EXPECT_EQ(rest_of(*before), (Names{"a=a", "a/b=a/b", "b=b", "c=c"}));
  EXPECT_EQ(rest_of(*before), Names{});
  before->seek("a/");
  EXPECT_EQ(rest_of(*before), (Names{"a/b=a/b", "b=b", "c=c"}));
  before->seek("");
  EXPECT_EQ(before->next().value()->path, "a");
  before->seek("d");
  EXPECT_EQ(rest_of(*before), Names{});
  const auto after = storage.snapshot().value();
  EXPECT_EQ(rest_of(*after), (Names{"a=a", "a/b=new", "aa=new", "c=c"}));
}

TYPED_TEST_P(StorageConformance, RefusesWrongExpectations) {
  Storage& storage = this->storage();
  ASSERT_TRUE(commit_one(storage, put_change("a", "1", Change::kAbsent)));
  const auto version = version_at(storage, "a");
  const std::vector<Change> wrong{
      put_change("a", "2", Change::kAbsent), put_change("a", "2", version + 1),
      delete_change("a", Change::kAbsent), delete_change("b", version),
      put_change("b", "2", version)};
  for (const Change& change : wrong) {
    EXPECT_EQ(code_of(commit_one(storage, change)), ErrorCode::kConflict);
  }
  EXPECT_EQ(version_at(storage, "a"), version);
  EXPECT_EQ(value_at(storage, "b"), "<absent>");
  ASSERT_TRUE(commit_one(storage, put_change("a", "2", version)));
  ASSERT_TRUE(commit_one(storage, delete_change("b", Change::kAbsent)));
  ASSERT_TRUE(
      commit_one(storage, delete_change("a", version_at(storage, "a"))));
  EXPECT_EQ(value_at(storage, "a"), "<absent>");
}

TYPED_TEST_P(StorageConformance, AppliesAllOrNothing) {
  Storage& storage = this->storage();
  must_put(storage, "a", "1");
  must_put(storage, "z", "1");
  const auto version = version_at(storage, "a");
  const std::vector<Change> changes{put_change("a", "2", version),
                                    delete_change("z"), put_change("n", "2"),
                                    put_change("m", "2", version)};
  EXPECT_EQ(code_of(storage.commit(changes)), ErrorCode::kConflict);
  EXPECT_EQ(value_at(storage, "a"), "1");
  EXPECT_EQ(value_at(storage, "z"), "1");
  EXPECT_EQ(value_at(storage, "n"), "<absent>");
  EXPECT_EQ(version_at(storage, "a"), version);
}

// Every thread counts up one shared entry by compare-and-set, next to entries
// of its own: no step is lost, and a conflict hurts nobody else.
TYPED_TEST_P(StorageConformance, LosesNoConcurrentUpdate) {
  Storage& storage = this->storage();
  constexpr int kThreads = 4;
  constexpr int kSteps = 40;
  must_put(storage, "count", "0");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&storage, t] {
      for (int done = 0; done < kSteps;) {
        const auto entry = storage.get("count").value().value();
        const int next = std::stoi(to_text(entry.value)) + 1;
        const std::vector<Change> changes{
            put_change("count", std::to_string(next), entry.version),
            put_change("t" + std::to_string(t) + "/" + std::to_string(next),
                       "")};
        const auto committed = storage.commit(changes);
        if (committed) ++done;
        if (!committed && committed.error().code() != ErrorCode::kConflict) {
          ADD_FAILURE() << committed.error().message();
          return;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(value_at(storage, "count"), std::to_string(kThreads * kSteps));
  EXPECT_EQ(storage.scan("t").value().size(),
            static_cast<std::size_t>(kThreads * kSteps));
}

/// Storage::list as it is defined, over a plain map.
inline Names model_list(const std::map<std::string, std::string>& model,
                        const std::string& prefix) {
  std::set<std::string> segments;
  for (const auto& [path, value] : model) {
    if (!path.starts_with(prefix) || path == prefix) continue;
    const auto slash = path.find('/', prefix.size());
    const auto end = slash == path.npos ? path.size() : slash + 1;
    segments.insert(path.substr(prefix.size(), end - prefix.size()));
  }
  return {segments.begin(), segments.end()};
}

TYPED_TEST_P(StorageConformance, AgreesWithAModel) {
  Storage& storage = this->storage();
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::map<std::string, std::string> model;
  const auto random_path = [&random] {
    std::string path;
    const auto size = 1 + random() % 5;
    while (path.size() < size) path += "a/.\xfe"[random() % 4];
    return path;
  };
  for (int step = 0; step < 300; ++step) {
    std::map<std::string, Change> changes;  // each path once
    for (auto n = 1 + random() % 4; n > 0; --n) {
      const std::string path = random_path();
      const std::string value(random() % 9000, static_cast<char>(random()));
      changes.insert_or_assign(path, random() % 3 == 0
                                         ? delete_change(path)
                                         : put_change(path, value));
    }
    std::vector<Change> commit;
    for (const auto& [path, change] : changes) commit.push_back(change);
    ASSERT_TRUE(storage.commit(commit));
    for (const Change& change : commit) {
      model.erase(change.path);
      if (change.value) model.emplace(change.path, to_text(*change.value));
    }
    const std::string prefix = random_path() + "/";
    ASSERT_EQ(storage.list(prefix).value(), model_list(model, prefix));
  }
  Names paths;
  for (const auto& [path, value] : model) {
    paths.push_back(path);
    ASSERT_EQ(value_at(storage, path), value);
  }
  EXPECT_EQ(storage.scan("").value(), paths);
  EXPECT_EQ(storage.list("").value(), model_list(model, ""));
}

TYPED_TEST_P(StorageConformance, SurvivesReopening) {
  if constexpr (TypeParam::kReopens) {
    must_put(this->storage(), "a", "1");
    must_put(this->storage(), "gone", "1");
    const auto version = version_at(this->storage(), "a");
    const auto gone = version_at(this->storage(), "gone");
    ASSERT_TRUE(commit_one(this->storage(), delete_change("gone")));
    this->factory_.reopen();
    EXPECT_EQ(value_at(this->storage(), "a"), "1");
    EXPECT_EQ(version_at(this->storage(), "a"), version);
    EXPECT_EQ(value_at(this->storage(), "gone"), "<absent>");
    must_put(this->storage(), "gone", "2");
    EXPECT_GT(version_at(this->storage(), "gone"), gone);
  } else {
    GTEST_SKIP() << "keeps nothing when closed";
  }
}

REGISTER_TYPED_TEST_SUITE_P(StorageConformance, PutsGetsAndDeletes,
                            TakesAnyBytes, NeverReusesAVersion, HoldsItsLimits,
                            LimitsTheChangesOfACommit, ListsSegments,
                            PagesLists, ScansPaths, SnapshotsOneMoment,
                            RefusesWrongExpectations, AppliesAllOrNothing,
                            LosesNoConcurrentUpdate, AgreesWithAModel,
                            SurvivesReopening);

}  // namespace bulla::storage
