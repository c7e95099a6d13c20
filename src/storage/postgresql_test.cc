#include "storage/postgresql.h"

#include <gmock/gmock.h>

#include "storage/coordination_conformance.h"
#include "storage/fault.h"
#include "storage/test_postgres.h"

namespace bulla::storage {
namespace {

using testing::HasSubstr;

class PostgresqlFactory {
 public:
  static constexpr bool kReopens = true;
  static constexpr bool kLapses = true;
  static constexpr std::size_t kKept = 1000;

  PostgresqlFactory() { reopen(); }
  Storage& storage() { return *engine_; }
  Coordination& coordination() { return *engine_; }
  Coordination& other() {
    if (other_ == nullptr) other_ = open_postgresql(table_);
    return *other_;
  }
  void forget_history() {
    const auto admin = PgConnection::open({TestPostgres::shared().url()});
    ASSERT_TRUE((*admin)->script("DELETE FROM " + table_ + "_changes"));
  }
  void reopen() {
    engine_.reset();
    engine_ = open_postgresql(table_);
  }

 private:
  std::string table_ = TestPostgres::fresh_table();
  std::unique_ptr<PostgresqlStorage> engine_;
  std::unique_ptr<PostgresqlStorage> other_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Postgresql, StorageConformance,
                               PostgresqlFactory);
INSTANTIATE_TYPED_TEST_SUITE_P(Postgresql, CoordinationConformance,
                               PostgresqlFactory);

class FaultPostgresqlFactory {
 public:
  static constexpr bool kReopens = false;
  Storage& storage() { return fault_; }

 private:
  PostgresqlFactory engine_;
  FaultStorage fault_{engine_.storage()};
};
INSTANTIATE_TYPED_TEST_SUITE_P(FaultPostgresql, StorageConformance,
                               FaultPostgresqlFactory);

class Postgresql : public testing::Test {
 protected:
  using Step = PostgresqlStorage::Step;

  Error open_error(const std::string& url, const std::string& table) {
    PostgresqlOptions options;
    options.connection_url = url;
    options.table = table;
    options.request_timeout = std::chrono::seconds(2);
    auto opened = PostgresqlStorage::open(std::move(options));
    EXPECT_FALSE(opened);
    return opened ? internal_error("opened") : opened.error();
  }
  std::unique_ptr<PgConnection> admin() {
    return PgConnection::open({TestPostgres::shared().url()}).value();
  }
  void end_session(int pid) {
    ASSERT_TRUE(admin()->script("SELECT pg_terminate_backend(" +
                                std::to_string(pid) + ")"));
  }

  std::string table_ = TestPostgres::fresh_table();
  std::unique_ptr<PostgresqlStorage> storage_ = open_postgresql(table_);
};

TEST_F(Postgresql, SaysWhatItCannotOpen) {
  const auto refused =
      open_error("host=/nonexistent user=bulla password=CANARY", "t");
  EXPECT_EQ(refused.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(refused.message(), Not(HasSubstr("CANARY")));
  const std::string url = TestPostgres::shared().url();
  EXPECT_EQ(open_error(url + " dbname=none", "t").code(),
            ErrorCode::kUnavailable);
  EXPECT_EQ(open_error("", "t").code(), ErrorCode::kInvalidArgument);
  for (const char* bad : {"", "a\"b", "a.b.c", "1a", "a b", "."}) {
    EXPECT_EQ(open_error(url, bad).code(), ErrorCode::kInvalidArgument) << bad;
  }
}

TEST_F(Postgresql, QuotesNothingOfABadUrl) {
  for (const char* url :
       {"postgres://u:CANARY%zz@h/d", "CANARY", "host='CANARY", "CANARY=1",
        "postgres://h/d?CANARY=1"}) {
    const auto error = open_error(url, "t");
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << url;
    EXPECT_THAT(error.message(), Not(HasSubstr("CANARY")));
  }
}

TEST_F(Postgresql, TakesTablesOfASchemaWithLongNames) {
  const std::string schema(40, 's');
  const std::string name(40, 'N');
  ASSERT_TRUE(admin()->script("CREATE SCHEMA " + schema));
  const auto storage = open_postgresql(schema + "." + name);
  const auto feed = storage->watch(0);
  must_put(*storage, "a", "1");
  const auto batch = feed->next(std::chrono::seconds(5));
  ASSERT_TRUE(batch) << batch.error().message();
  EXPECT_EQ(batch->paths, Names{"a"});
}

TEST_F(Postgresql, GoesToTheHostThatAnswers) {
  const std::string url = TestPostgres::shared().url();
  PostgresqlOptions options;
  options.connection_url = "host=/nonexistent," + url.substr(url.find('=') + 1);
  options.table = table_;
  const auto storage = PostgresqlStorage::open(options);
  ASSERT_TRUE(storage) << storage.error().message();
}

TEST_F(Postgresql, LeavesNewerTablesAlone) {
  ASSERT_TRUE(
      admin()->script("UPDATE " + table_ + "_meta SET schema_version = 99"));
  const auto error = open_error(TestPostgres::shared().url(), table_);
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
}

TEST_F(Postgresql, ManyMakeTheTablesAtOnce) {
  const std::string table = TestPostgres::fresh_table();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { must_put(*open_postgresql(table), "a", "1"); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(open_postgresql(table)->revision().value(), 4u);
}

TEST_F(Postgresql, TwoProcessesOrderTheirCommits) {
  const auto other = open_postgresql(table_);
  must_put(*storage_, "n", "0");
  const auto count = [](Storage& storage) {
    for (int done = 0; done < 40;) {
      const auto entry = storage.get("n").value().value();
      const auto next = std::to_string(std::stoi(to_text(entry.value)) + 1);
      if (commit_one(storage, put_change("n", next, entry.version))) ++done;
    }
  };
  std::thread thread([&] { count(*other); });
  count(*storage_);
  thread.join();
  EXPECT_EQ(value_at(*storage_, "n"), "80");
}

// A session that ends before the commit was sent wrote nothing: the commit is
// made again.
TEST_F(Postgresql, WritesAgainWhatWasLostBeforeItsCommit) {
  bool cut = false;
  storage_->set_hook([&](Step step, PgConnection& connection) {
    if (step == Step::kLocked && !std::exchange(cut, true)) {
      end_session(connection.backend_pid());
    }
  });
  ASSERT_TRUE(commit_one(*storage_, put_change("a", "1", Change::kAbsent)));
  EXPECT_EQ(value_at(*storage_, "a"), "1");
  EXPECT_EQ(storage_->revision().value(), 1u);
}

// The connection ends while the commit is on its way; it happened, or not: the
// expectation shows that it was written once.
TEST_F(Postgresql, FindsOutWhatBecameOfALostCommit) {
  for (int i = 0; i < 30; ++i) {
    bool cut = false;
    std::thread cutter;
    storage_->set_hook([&](Step step, PgConnection& connection) {
      if (step != Step::kCommitSent || std::exchange(cut, true)) return;
      cutter =
          std::thread([i, pid = connection.backend_pid(), other = admin()] {
            std::this_thread::sleep_for(std::chrono::microseconds(i * 60));
            ASSERT_TRUE(other->script("SELECT pg_terminate_backend(" +
                                      std::to_string(pid) + ")"));
          });
    });
    const auto path = "p" + std::to_string(i);
    ASSERT_TRUE(commit_one(*storage_, put_change(path, "1", Change::kAbsent)));
    cutter.join();
    EXPECT_EQ(value_at(*storage_, path), "1");
  }
  storage_->set_hook({});
  must_put(*storage_, "end", "1");
  EXPECT_EQ(storage_->revision().value(), 31u);
}

// The server's answer is lost after it has committed: the client closes its
// end, and finds the commit by its id.
TEST_F(Postgresql, FindsACommitWhoseAnswerWasLost) {
  bool cut = false;
  storage_->set_hook([&](Step step, PgConnection& connection) {
    if (step != Step::kCommitSent || std::exchange(cut, true)) return;
    connection.deafen();
  });
  ASSERT_TRUE(commit_one(*storage_, put_change("a", "1", Change::kAbsent)));
  EXPECT_TRUE(cut);
  EXPECT_EQ(value_at(*storage_, "a"), "1");
  EXPECT_EQ(storage_->revision().value(), 1u);
}

TEST_F(Postgresql, AStoppedServerIsUnavailableAndComesBack) {
  TestPostgres server;  // not the one that others share
  PostgresqlOptions options;
  options.connection_url = server.url();
  options.request_timeout = std::chrono::seconds(1);
  const auto storage = PostgresqlStorage::open(options).value();
  must_put(*storage, "a", "1");
  EXPECT_EQ(value_at(*storage, "a"), "1");
  server.pause();
  EXPECT_EQ(value_at(*storage, "a"), "unavailable");
  EXPECT_EQ(code_of(commit_one(*storage, put_change("b", "1"))),
            ErrorCode::kUnavailable);
  server.resume();
  EXPECT_EQ(value_at(*storage, "a"), "1");
  must_put(*storage, "c", "1");
  server.stop();
  EXPECT_EQ(value_at(*storage, "a"), "unavailable");
  EXPECT_EQ(code_of(commit_one(*storage, put_change("b", "1"))),
            ErrorCode::kUnavailable);
  server.start();
  EXPECT_EQ(value_at(*storage, "a"), "1");
  must_put(*storage, "c", "2");
}

// Another's lock on the row that orders commits does not last.
TEST_F(Postgresql, AStoppedWriterLetsTheOthersGoOn) {
  auto stopped = admin();
  ASSERT_TRUE(stopped->script("BEGIN; UPDATE " + table_ +
                              "_meta SET revision = revision + 1"));
  must_put(*storage_, "a", "1");
  EXPECT_EQ(storage_->revision().value(), 1u);
}

TEST_F(Postgresql, BoundsSnapshots) {
  std::vector<std::unique_ptr<Snapshot>> taken;
  for (std::size_t i = 0; i < PostgresqlStorage::kSnapshotsMax; ++i) {
    taken.push_back(storage_->snapshot().value());
  }
  EXPECT_EQ(storage_->snapshot().error().code(), ErrorCode::kUnavailable);
  taken.pop_back();
  EXPECT_TRUE(storage_->snapshot());
}

TEST_F(Postgresql, ReadsMoreThanAPage) {
  Names paths;
  for (int i = 10'000; i < 13'000; ++i) paths.push_back(std::to_string(i));
  for (std::size_t at = 0; at < paths.size(); at += 100) {
    std::vector<Change> changes;
    for (std::size_t i = at; i < at + 100; ++i) {
      changes.push_back(put_change(paths[i], "v"));
    }
    ASSERT_TRUE(storage_->commit(changes));
  }
  EXPECT_EQ(storage_->scan("").value(), paths);
  EXPECT_EQ(storage_->list("", "11000", 500).value().size(), 500u);
  EXPECT_EQ(rest_of(*storage_->snapshot().value()).size(), paths.size());
}

}  // namespace
}  // namespace bulla::storage
