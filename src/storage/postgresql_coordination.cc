// PostgresqlStorage among several nodes: who leads stands in the row that
// orders commits; changes are told by NOTIFY and read from the table of
// changes.

#include <utility>

#include "storage/postgresql.h"

namespace bulla::storage {

Result<Attempt> PostgresqlStorage::try_lead(const Candidate& candidate) {
  TRY(check_candidate(candidate));
  PgParams params;
  params.bytes(candidate.name)
      .bytes(candidate.data)
      .number(candidate.lease.count());
  // Not read(): it must not be sent twice.
  TRY_ASSIGN(auto connection, pool_.take());
  TRY_ASSIGN(const auto won, connection->run(statements_.lead, params));
  if (won.count() > 0) {
    const auto epoch = static_cast<std::uint64_t>(won.number(0, 0));
    return Attempt{true, {candidate.name, candidate.data, epoch}, epoch - 1};
  }
  TRY_ASSIGN(const auto now, connection->run(statements_.leader));
  // None: it ended just now, and is to be asked for again.
  return Attempt{false,
                 {std::string(now.bytes(0, 0)), to_bytes(now.bytes(0, 1)),
                  static_cast<std::uint64_t>(now.number(0, 2))},
                 0};
}

Result<void> PostgresqlStorage::renew(std::uint64_t epoch) {
  TRY_ASSIGN(const auto renewed,
             read(statements_.renew,
                  PgParams().number(static_cast<std::int64_t>(epoch))));
  if (renewed.count() > 0) return {};
  return fail(ErrorCode::kPermissionDenied,
              "postgresql: another node leads, or none does");
}

Result<void> PostgresqlStorage::release(std::uint64_t epoch) {
  TRY(read(statements_.release,
           PgParams().number(static_cast<std::int64_t>(epoch))));
  return {};
}

Result<std::optional<Leader>> PostgresqlStorage::leader() {
  TRY_ASSIGN(const auto rows, read(statements_.leader, {}));
  if (rows.count() == 0) return std::nullopt;
  return Leader{std::string(rows.bytes(0, 0)), to_bytes(rows.bytes(0, 1)),
                static_cast<std::uint64_t>(rows.number(0, 2))};
}

Result<std::uint64_t> PostgresqlStorage::revision() {
  TRY_ASSIGN(const auto rows, read(statements_.revision, {}));
  return static_cast<std::uint64_t>(rows.number(0, 0));
}

/// Listens, and asks the table whatever it heard: a notification only ends the
/// wait early.
class PostgresqlStorage::Feed final : public ChangeFeed {
 public:
  Feed(PostgresqlStorage& storage, std::uint64_t after)
      : storage_(storage), after_(static_cast<std::int64_t>(after)) {}

  Result<Batch> next(std::chrono::milliseconds wait) override {
    if (connection_ == nullptr || connection_->broken()) TRY(listen());
    TRY_ASSIGN(Batch batch, ask());
    if (batch.lost || !batch.paths.empty()) return batch;
    TRY(connection_->wait_notification(wait));
    return ask();
  }

 private:
  Result<void> listen() {
    connection_.reset();
    TRY_ASSIGN(auto opened, storage_.pool_.open());
    TRY(opened->script("LISTEN \"" + storage_.statements_.channel + "\""));
    connection_ = std::move(opened);
    return {};
  }

  Result<Batch> ask() {
    const PgStatements& statements = storage_.statements_;
    const std::array calls = {
        PgCall{&statements.begin_snapshot, {}},
        PgCall{&statements.revision, {}},
        PgCall{&statements.changes_after, PgParams().number(after_)},
        PgCall{&statements.commit, {}}};
    auto answer = connection_->run(calls);
    if (!answer) {
      connection_.reset();
      return fail(std::move(answer).error());
    }
    return batch_of((*answer)[1].number(0, 0), (*answer)[2]);
  }

  Batch batch_of(std::int64_t newest, const PgRows& changes) {
    Batch batch;
    // Revisions have no gap, and go back only when the database was.
    if (newest < after_ ||
        (newest > after_ &&
         (changes.count() == 0 || changes.number(0, 0) != after_ + 1))) {
      after_ = newest;
      batch.lost = true;
    }
    for (int i = 0; !batch.lost && i < changes.count(); ++i) {
      after_ = changes.number(i, 0);
      for (const auto path : changes.array(i, 1))
        batch.paths.emplace_back(path);
    }
    batch.revision = static_cast<std::uint64_t>(after_);
    return batch;
  }

  PostgresqlStorage& storage_;
  std::int64_t after_;
  std::unique_ptr<PgConnection> connection_;
};

std::unique_ptr<ChangeFeed> PostgresqlStorage::watch(std::uint64_t after) {
  return std::make_unique<Feed>(*this, after);
}

}  // namespace bulla::storage
