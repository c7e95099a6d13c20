#include "storage/lmdb.h"

#include <sys/stat.h>

#include <fstream>

#include "storage/conformance.h"
#include "storage/temp_dir.h"

namespace bulla::storage {
namespace {

class LmdbFactory {
 public:
  static constexpr bool kReopens = true;
  LmdbFactory() { reopen(); }
  Storage& storage() { return *lmdb_; }
  void reopen() {
    lmdb_.reset();
    // A tiny map, so that the suite grows it many times.
    lmdb_ =
        LmdbStorage::open({.directory = dir_.path(), .map_bytes_initial = 1})
            .value();
  }

 private:
  TempDir dir_;
  std::unique_ptr<LmdbStorage> lmdb_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Lmdb, StorageConformance, LmdbFactory);

class Lmdb : public testing::Test {
 protected:
  std::unique_ptr<LmdbStorage> open(std::size_t initial = 1,
                                    std::size_t max = std::size_t{1} << 30) {
    auto opened = LmdbStorage::open({directory_, initial, max});
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  }
  Error open_error() {
    auto opened = LmdbStorage::open({.directory = directory_});
    EXPECT_FALSE(opened);
    return opened ? internal_error("opened") : opened.error();
  }
  std::string data_file() const { return directory_ + "/data.mdb"; }
  void overwrite(std::size_t offset, std::size_t size, char byte) {
    std::fstream file(data_file(),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << std::string(size, byte);
    ASSERT_TRUE(file.good());
  }
  static unsigned mode(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777u : 0;
  }

  TempDir dir_;
  std::string directory_ = dir_.path() + "/data";
};

TEST_F(Lmdb, MakesPrivateFiles) {
  const auto lmdb = open();
  EXPECT_EQ(lmdb->kind(), "lmdb");
  EXPECT_EQ(mode(directory_), 0700u);
  EXPECT_EQ(mode(data_file()), 0600u);
  EXPECT_EQ(mode(directory_ + "/lock.mdb"), 0600u);
  EXPECT_EQ(mode(directory_ + "/bulla.lock"), 0600u);
}

TEST_F(Lmdb, IsOfOneProcess) {
  auto first = open();
  const Error error = open_error();
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_NE(error.message().find("\"" + directory_ + "\""), std::string::npos);
  EXPECT_NE(error.message().find("another process"), std::string::npos);
  first.reset();
  EXPECT_TRUE(LmdbStorage::open({.directory = directory_}));
}

TEST_F(Lmdb, NamesADirectoryItCannotUse) {
  directory_ += "/no/parent";
  const Error error = open_error();
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_NE(error.message().find(directory_), std::string::npos);
}

// A snapshot that nobody reads on must not hold up what others do.
TEST_F(Lmdb, GrowsUnderASnapshot) {
  auto lmdb = open();
  must_put(*lmdb, "read", "me");
  auto snapshot = lmdb->snapshot().value();
  const auto forgotten = lmdb->snapshot().value();
  EXPECT_EQ(snapshot->next().value()->path, "read");
  must_put(*lmdb, "big", std::string(Storage::kValueBytesMax, 'v'));
  const auto item = snapshot->next();
  ASSERT_FALSE(item);
  EXPECT_EQ(item.error().code(), ErrorCode::kConflict);
  snapshot = lmdb->snapshot().value();
  EXPECT_EQ(snapshot->next().value()->path, "big");
  EXPECT_EQ(snapshot->next().value()->path, "read");
}

TEST_F(Lmdb, GrowsWhileOthersRead) {
  auto lmdb = open();
  must_put(*lmdb, "read", "me");
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        ASSERT_EQ(value_at(*lmdb, "read"), "me");
        ASSERT_TRUE(lmdb->scan("", "", 50));
      }
    });
  }
  const std::string value(30'000, 'v');
  for (int i = 0; i < 100; ++i) must_put(*lmdb, "w" + std::to_string(i), value);
  stop = true;
  for (auto& reader : readers) reader.join();
  const auto stats = lmdb->stats().value();
  EXPECT_GT(stats.grown, 3u);
  EXPECT_EQ(stats.entries, 101u);
  EXPECT_EQ(stats.commits, 101u);
  EXPECT_GT(stats.used_bytes, 100u * value.size());
  EXPECT_GE(stats.map_bytes, stats.used_bytes);
}

TEST_F(Lmdb, StopsGrowingAtItsLimit) {
  auto lmdb = open(1, std::size_t{1} << 20);
  const std::string value(100'000, 'v');
  int stored = 0;
  Result<void> last;
  while (last && stored < 100) {
    last = commit_one(*lmdb, put_change("w" + std::to_string(stored), value));
    if (last) ++stored;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), ErrorCode::kExhausted);
  EXPECT_GT(stored, 3);
  EXPECT_EQ(lmdb->scan("w")->size(), static_cast<std::size_t>(stored));
  EXPECT_TRUE(commit_one(*lmdb, put_change("small", "fits")));
  EXPECT_TRUE(commit_one(*lmdb, delete_change("w0")));
  lmdb.reset();
  lmdb = open(1, std::size_t{1} << 23);  // the limit raised
  EXPECT_TRUE(commit_one(*lmdb, put_change("w99", value)));
}

// One caller cannot be had; the others of its group go through.
TEST_F(Lmdb, OneCommitTooLargeFailsNoOther) {
  auto lmdb = open(1, std::size_t{1} << 20);
  const std::string huge(Storage::kValueBytesMax, 'h');
  std::atomic<int> refused{0};
  std::vector<std::thread> writers;
  for (int t = 0; t < 8; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string path = std::to_string(t) + "/" + std::to_string(i);
        const auto done =
            commit_one(*lmdb, put_change(path, t == 0 ? huge : "small"));
        if (!done && done.error().code() == ErrorCode::kExhausted) ++refused;
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(lmdb->scan("")->size(), 70u);
}

TEST_F(Lmdb, GroupsCommits) {
  auto lmdb = open();
  std::vector<std::thread> writers;
  for (int t = 0; t < 8; ++t) {
    writers.emplace_back([&lmdb, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string path = std::to_string(t) + "/" + std::to_string(i);
        must_put(*lmdb, path, "v");
      }
    });
  }
  for (auto& writer : writers) writer.join();
  const auto stats = lmdb->stats().value();
  EXPECT_EQ(stats.commits, 1600u);
  EXPECT_EQ(stats.entries, 1600u);
  EXPECT_LT(stats.fsyncs, stats.commits);
}

TEST_F(Lmdb, CountsConflicts) {
  auto lmdb = open();
  EXPECT_FALSE(commit_one(*lmdb, put_change("a", "1", 7)));
  const auto stats = lmdb->stats().value();
  EXPECT_EQ(stats.conflicts, 1u);
  EXPECT_EQ(stats.commits, 0u);
  EXPECT_EQ(stats.fsyncs, 0u);
}

TEST_F(Lmdb, RefusesAFileThatIsNotItsOwn) {
  open().reset();
  overwrite(0, 2 * 4096, '\xa5');
  EXPECT_EQ(open_error().code(), ErrorCode::kCorrupt);
}

TEST_F(Lmdb, RefusesANewerFormat) {
  open().reset();
  {
    const auto env = LmdbEnv::open(directory_, 1 << 20).value();
    MDB_txn* txn = nullptr;
    ASSERT_EQ(env->begin_write(&txn), MDB_SUCCESS);
    MDB_val key = val_of("format");
    MDB_val value = val_of(std::string_view("\0\0\0\2", 4));
    ASSERT_EQ(mdb_put(txn, env->meta(), &key, &value, 0), MDB_SUCCESS);
    ASSERT_EQ(mdb_txn_commit(txn), MDB_SUCCESS);
  }
  EXPECT_EQ(open_error().code(), ErrorCode::kUnsupported);
}

TEST_F(Lmdb, ReportsARecordWithoutAVersion) {
  open().reset();
  {
    const auto env = LmdbEnv::open(directory_, 1 << 20).value();
    MDB_txn* txn = nullptr;
    ASSERT_EQ(env->begin_write(&txn), MDB_SUCCESS);
    MDB_val key = val_of("short");
    MDB_val value = val_of("1234567");
    ASSERT_EQ(mdb_put(txn, env->entries(), &key, &value, 0), MDB_SUCCESS);
    ASSERT_EQ(mdb_txn_commit(txn), MDB_SUCCESS);
  }
  const auto lmdb = open();
  EXPECT_EQ(value_at(*lmdb, "short"), "corrupt");
  EXPECT_EQ(code_of(commit_one(*lmdb, put_change("short", "v", 1))),
            ErrorCode::kCorrupt);
  EXPECT_TRUE(commit_one(*lmdb, put_change("short", "v")));
  EXPECT_EQ(value_at(*lmdb, "short"), "v");
}

// Pages of the tree that were zeroed or cut off are errors, never a crash.
TEST_F(Lmdb, ReportsLostPages) {
  auto lmdb = open(std::size_t{1} << 24);
  for (int i = 0; i < 400; ++i) {
    must_put(*lmdb, "path/" + std::to_string(i), std::string(500, 'v'));
  }
  lmdb.reset();
  const auto whole = std::filesystem::file_size(data_file());
  std::filesystem::copy(data_file(), dir_.path() + "/copy");
  int refused = 0;
  int damaged = 0;
  for (auto cut = std::uintmax_t{2 * 4096}; cut < whole; cut += 3 * 4096) {
    std::filesystem::copy(dir_.path() + "/copy", data_file(),
                          std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(data_file(), cut);
    auto opened = LmdbStorage::open({.directory = directory_});
    if (!opened) {
      ++refused;
      EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
      continue;
    }
    for (int i = 0; i < 400; ++i) {
      const auto value = value_at(**opened, "path/" + std::to_string(i));
      if (value.size() == 500) continue;
      EXPECT_EQ(value, "corrupt");
      ++damaged;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(refused + damaged, 1);
}

}  // namespace
}  // namespace bulla::storage
