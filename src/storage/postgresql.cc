#include "storage/postgresql.h"

#include <algorithm>
#include <utility>

#include "storage/limits.h"
#include "storage/listing.h"

namespace bulla::storage {
namespace {

constexpr std::int64_t kPageFirst = 64;
constexpr std::int64_t kPageMost = 4096;

Result<void> check_options(const PostgresqlOptions& options) {
  TRY(check_pg_url(options.connection_url));
  return check_pg_table(options.table);
}

Entry entry_of(const PgRows& rows) {
  return {to_bytes(rows.bytes(0, 0)),
          static_cast<std::uint64_t>(rows.number(0, 1))};
}

}  // namespace

/// Pages that grow while they are read on.
class PostgresqlStorage::Cursor {
 public:
  using Position = Result<std::optional<std::string_view>>;

  explicit Cursor(PostgresqlStorage& storage) : storage_(storage) {}

  Position seek(std::string_view at_least) {
    if (rows_ && at_ < rows_->count() && at_least >= here() &&
        at_least <= rows_->bytes(rows_->count() - 1, 0)) {
      while (here() < at_least) ++at_;
      return here();
    }
    size_ = kPageFirst;
    return load(at_least);
  }
  Position next() {
    if (++at_ < rows_->count()) return here();
    if (rows_->count() < size_) return std::nullopt;
    std::string behind(rows_->bytes(rows_->count() - 1, 0));
    behind.push_back('\0');
    size_ = std::min(size_ * 4, kPageMost);
    return load(behind);
  }

 private:
  std::string_view here() const { return rows_->bytes(at_, 0); }
  Position load(std::string_view from) {
    PgParams params;
    params.bytes(from).number(size_);
    TRY_ASSIGN(auto rows,
               storage_.read(storage_.statements_.page_of_paths, params));
    rows_.emplace(std::move(rows));
    at_ = 0;
    if (rows_->count() == 0) return std::nullopt;
    return here();
  }

  PostgresqlStorage& storage_;
  std::optional<PgRows> rows_;
  int at_ = 0;
  std::int64_t size_ = kPageFirst;
};

Result<std::unique_ptr<PostgresqlStorage>> PostgresqlStorage::open(
    PostgresqlOptions options) {
  TRY(check_options(options));
  const std::string table = options.table;
  std::unique_ptr<PostgresqlStorage> made(
      new PostgresqlStorage(std::move(options)));
  TRY_ASSIGN(made->writer_, made->pool_.open());
  TRY(migrate_pg_schema(*made->writer_, table));
  return made;
}

PostgresqlStorage::PostgresqlStorage(PostgresqlOptions options)
    : statements_(options.table),
      pool_({{std::move(options.connection_url), options.request_timeout},
             std::max<std::size_t>(options.max_parallel, 1),
             options.max_idle_connections}),
      committer_(std::make_unique<GroupCommitter>(
          [this](GroupCommitter::Group group) { apply(group); })) {}

PostgresqlStorage::~PostgresqlStorage() = default;

Result<PgRows> PostgresqlStorage::read(const PgStatement& statement,
                                       const PgParams& params) {
  while (true) {
    TRY_ASSIGN(auto connection, pool_.take());
    auto rows = connection->run(statement, params);
    // An old connection may have died while nobody used it.
    const bool stale = !rows && connection->broken() && !connection.fresh();
    if (!stale) return rows;
  }
}

Result<std::optional<Entry>> PostgresqlStorage::get(std::string_view path) {
  TRY(check_path(path));
  TRY_ASSIGN(const auto rows, read(statements_.get, PgParams().bytes(path)));
  if (rows.count() == 0) return std::nullopt;
  return entry_of(rows);
}

Result<std::vector<std::string>> PostgresqlStorage::list(
    std::string_view prefix, std::string_view after, std::size_t limit) {
  TRY(check_list_prefix(prefix));
  Cursor cursor(*this);
  return list_segments(cursor, prefix, after, effective_limit(limit));
}

Result<std::vector<std::string>> PostgresqlStorage::scan(
    std::string_view prefix, std::string_view after, std::size_t limit) {
  Cursor cursor(*this);
  return scan_paths(cursor, prefix, after, effective_limit(limit));
}

/// A transaction that sees one moment, read a page at a time.
class PostgresqlStorage::View final : public Snapshot {
 public:
  View(PostgresqlStorage& storage, std::unique_ptr<PgConnection> connection)
      : storage_(storage), connection_(std::move(connection)) {}
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  ~View() override { --storage_.snapshots_; }

  Result<void> begin() {
    // The reader may take its time.
    TRY(connection_->script("SET idle_in_transaction_session_timeout = 0"));
    const std::array calls = {PgCall{&storage_.statements_.begin_snapshot, {}},
                              PgCall{&storage_.statements_.revision, {}}};
    TRY(connection_->run(calls));
    return {};
  }

  void seek(std::string_view at_least) override {
    from_ = at_least;
    rows_.reset();
  }

  Result<std::optional<Item>> next() override {
    if (!rows_ || (at_ == rows_->count() && at_ == asked_)) TRY(load());
    if (at_ == rows_->count()) return std::nullopt;
    Item item{std::string(rows_->bytes(at_, 0)),
              to_bytes(rows_->bytes(at_, 1))};
    ++at_;
    from_ = item.path;
    from_.push_back('\0');
    return item;
  }

 private:
  static constexpr std::int64_t kFirst = 16;
  static constexpr std::int64_t kMost = 1024;
  static constexpr std::size_t kPageBytes = std::size_t{4} << 20;

  Result<void> load() {
    PgParams params;
    params.bytes(from_).number(size_);
    TRY_ASSIGN(auto rows,
               connection_->run(storage_.statements_.page_of_entries, params));
    rows_.emplace(std::move(rows));
    at_ = 0;
    asked_ = static_cast<int>(size_);
    std::size_t bytes = 0;
    for (int i = 0; i < rows_->count(); ++i) bytes += rows_->bytes(i, 1).size();
    size_ = bytes > kPageBytes ? std::max(size_ / 4, kFirst)
                               : std::min(size_ * 2, kMost);
    return {};
  }

  PostgresqlStorage& storage_;
  std::unique_ptr<PgConnection> connection_;
  std::optional<PgRows> rows_;
  int at_ = 0;
  int asked_ = 0;
  std::string from_;
  std::int64_t size_ = kFirst;
};

Result<std::unique_ptr<Snapshot>> PostgresqlStorage::snapshot() {
  if (++snapshots_ > kSnapshotsMax) {
    --snapshots_;
    return fail(unavailable("postgresql: too many snapshots are read at once"));
  }
  auto connection = pool_.open();
  if (!connection) {
    --snapshots_;
    return fail(std::move(connection).error());
  }
  auto view = std::make_unique<View>(*this, *std::move(connection));
  TRY(view->begin());
  return view;
}

}  // namespace bulla::storage
