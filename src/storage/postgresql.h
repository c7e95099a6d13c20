#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/coordination.h"
#include "storage/group_commit.h"
#include "storage/pg_pool.h"
#include "storage/pg_schema.h"
#include "storage/storage.h"

namespace bulla::storage {

struct PostgresqlOptions {
  std::string connection_url;  ///< libpq's; its sslmode says how TLS is used.
  std::string table = "bulla_store";
  std::size_t max_parallel = 16;  ///< Connections of readers.
  std::size_t max_idle_connections = 16;
  std::chrono::milliseconds request_timeout{10'000};
};

/// Storage in a PostgreSQL database (12 and newer), in tables that it makes
/// itself. Commits go in groups, a transaction and a flush for each, ordered by
/// the lock on one row; so that revisions have no gap, and a commit whose
/// connection was lost can be asked for. Reads take a connection each from a
/// pool. A snapshot holds a connection of its own, kSnapshotsMax at once.
class PostgresqlStorage final : public Storage, public Coordination {
 public:
  static constexpr std::size_t kSnapshotsMax = 8;
  /// Revisions that a feed can go back.
  static constexpr std::int64_t kChangesKept = 4096;

  /// Where a test may stop the writer.
  enum class Step : std::uint8_t { kLocked, kCommitSent };
  /// Runs on the writer's thread with the writer's connection.
  using Hook = std::function<void(Step, PgConnection&)>;

  /// Connects, and makes or migrates the tables.
  ///   kInvalidArgument  options that cannot be.
  ///   kUnsupported      the tables are of a newer version.
  ///   kUnavailable      the database cannot be reached, or refuses us.
  static Result<std::unique_ptr<PostgresqlStorage>> open(
      PostgresqlOptions options);
  ~PostgresqlStorage() override;

  void set_hook(Hook hook) { hook_ = std::move(hook); }

  Result<std::optional<Entry>> get(std::string_view path) override;
  Result<void> commit(std::span<const Change> changes) override;
  /// A long list is read a page at a time, each as of its own moment.
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  std::string_view kind() const override { return "postgresql"; }

  Result<Attempt> try_lead(const Candidate& candidate) override;
  Result<void> renew(std::uint64_t epoch) override;
  Result<void> release(std::uint64_t epoch) override;
  Result<std::optional<Leader>> leader() override;
  Result<void> commit_fenced(std::span<const Change> changes,
                             std::uint64_t epoch) override;
  Result<std::uint64_t> revision() override;
  std::unique_ptr<ChangeFeed> watch(std::uint64_t after) override;

 private:
  class Cursor;
  class Feed;
  class View;
  /// A transaction of the writer: what is needed to find it again.
  struct Write {
    std::array<std::uint8_t, 16> id{};
    std::int64_t revision = 0;
    bool commit_sent = false;
  };

  explicit PostgresqlStorage(PostgresqlOptions options);

  /// On a pooled connection; once more on a new one when that was stale.
  Result<PgRows> read(const PgStatement& statement, const PgParams& params);

  void apply(GroupCommitter::Group group);
  Result<void> write(GroupCommitter::Group group);
  Result<void> write_once(GroupCommitter::Group group, Write& write);
  Result<void> lock_and_check(GroupCommitter::Group group, Write& write);
  Result<void> apply_changes(GroupCommitter::Group group, Write& write);
  Result<bool> was_committed(const Write& write, int backend_pid);
  Result<void> ensure_writer();
  void run_hook(Step step) {
    if (hook_) hook_(step, *writer_);
  }

  PgStatements statements_;
  PgPool pool_;
  std::atomic<std::size_t> snapshots_{0};
  std::unique_ptr<PgConnection> writer_;  // of the committer's thread
  Hook hook_;
  std::unique_ptr<GroupCommitter> committer_;  // last: it uses the others
};

}  // namespace bulla::storage
