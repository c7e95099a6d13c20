#include "storage/lmdb.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "storage/limits.h"
#include "storage/listing.h"
#include "storage/lmdb_record.h"

namespace bulla::storage {
namespace {

Error not_open() {
  return unavailable("lmdb: the files could not be reopened after a failure");
}

std::size_t round_to_page(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (std::max<std::size_t>(bytes, 16 * page) + page - 1) / page * page;
}

}  // namespace

/// A read: the environment held in place, and a snapshot of it.
class LmdbStorage::Guard {
 public:
  static Result<Guard> take(LmdbStorage& storage) {
    TRY_ASSIGN(auto lock, storage.hold());
    TRY_ASSIGN(auto reader, storage.env_->reader());
    return Guard(*storage.env_, std::move(lock), std::move(reader));
  }

  MDB_txn* txn() const { return reader_.txn(); }
  const LmdbEnv& env() const { return *env_; }

 private:
  Guard(const LmdbEnv& env, std::shared_lock<std::shared_mutex> lock,
        LmdbEnv::Reader reader)
      : env_(&env), lock_(std::move(lock)), reader_(std::move(reader)) {}

  const LmdbEnv* env_;
  std::shared_lock<std::shared_mutex> lock_;  // let go after the reader
  LmdbEnv::Reader reader_;
};

class LmdbStorage::Cursor {
 public:
  using Position = Result<std::optional<std::string_view>>;

  static Result<Cursor> open(LmdbStorage& storage) {
    TRY_ASSIGN(auto guard, Guard::take(storage));
    MDB_cursor* cursor = nullptr;
    const int status =
        mdb_cursor_open(guard.txn(), guard.env().entries(), &cursor);
    if (status != MDB_SUCCESS) return fail(lmdb_error(status, "open cursor"));
    return Cursor(std::move(guard), cursor);
  }
  Cursor(Cursor&& other) noexcept
      : guard_(std::move(other.guard_)),
        cursor_(std::exchange(other.cursor_, nullptr)) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }

  Position seek(std::string_view at_least) {
    if (at_least.empty()) return move({}, MDB_FIRST);
    return move(at_least, MDB_SET_RANGE);
  }
  Position next() { return move({}, MDB_NEXT); }

 private:
  Cursor(Guard guard, MDB_cursor* cursor)
      : guard_(std::move(guard)), cursor_(cursor) {}

  Position move(std::string_view to, MDB_cursor_op operation) {
    MDB_val key = val_of(to);
    const int status = mdb_cursor_get(cursor_, &key, nullptr, operation);
    if (status == MDB_NOTFOUND) return std::nullopt;
    if (status != MDB_SUCCESS) return fail(lmdb_error(status, "list"));
    return text_of(key);
  }

  Guard guard_;
  MDB_cursor* cursor_;
};

Result<std::unique_ptr<LmdbStorage>> LmdbStorage::open(LmdbOptions options) {
  options.map_bytes_initial = round_to_page(options.map_bytes_initial);
  options.map_bytes_max =
      std::max(round_to_page(options.map_bytes_max), options.map_bytes_initial);
  TRY_ASSIGN(auto lock, DirectoryLock::acquire(options.directory));
  TRY_ASSIGN(auto env,
             LmdbEnv::open(options.directory, options.map_bytes_initial));
  TRY(sync_directory(options.directory));
  return std::unique_ptr<LmdbStorage>(
      new LmdbStorage(std::move(options), std::move(lock), std::move(env)));
}

LmdbStorage::LmdbStorage(LmdbOptions options, DirectoryLock lock,
                         std::unique_ptr<LmdbEnv> env)
    : options_(std::move(options)),
      directory_lock_(std::move(lock)),
      env_(std::move(env)),
      committer_([this](GroupCommitter::Group group) { apply(group); }) {}

LmdbStorage::~LmdbStorage() = default;

Result<std::shared_lock<std::shared_mutex>> LmdbStorage::hold() {
  if (gate_closed_.load(std::memory_order_acquire)) [[unlikely]] {
    const std::lock_guard wait(gate_);
  }
  std::shared_lock lock(env_mutex_);
  if (!env_) return fail(not_open());
  return lock;
}

Result<std::optional<Entry>> LmdbStorage::get(std::string_view path) {
  TRY(check_path(path));
  TRY_ASSIGN(const auto guard, Guard::take(*this));
  MDB_val key = val_of(path);
  MDB_val value;
  const int status = mdb_get(guard.txn(), guard.env().entries(), &key, &value);
  if (status == MDB_NOTFOUND) return std::nullopt;
  if (status != MDB_SUCCESS) return fail(lmdb_error(status, "get"));
  TRY_ASSIGN(const auto record, LmdbRecord::parse(path, value));
  return Entry{to_bytes(record.value), record.version};
}

Result<void> LmdbStorage::commit(std::span<const Change> changes) {
  TRY(check_changes(changes));
  if (changes.empty()) return {};
  return committer_.commit(changes);
}

Result<std::vector<std::string>> LmdbStorage::list(std::string_view prefix,
                                                   std::string_view after,
                                                   std::size_t limit) {
  TRY(check_list_prefix(prefix));
  TRY_ASSIGN(auto cursor, Cursor::open(*this));
  return list_segments(cursor, prefix, after, effective_limit(limit));
}

Result<std::vector<std::string>> LmdbStorage::scan(std::string_view prefix,
                                                   std::string_view after,
                                                   std::size_t limit) {
  TRY_ASSIGN(auto cursor, Cursor::open(*this));
  return scan_paths(cursor, prefix, after, effective_limit(limit));
}

Result<LmdbStats> LmdbStorage::stats() {
  TRY_ASSIGN(const auto guard, Guard::take(*this));
  MDB_stat table{};
  const int status = mdb_stat(guard.txn(), guard.env().entries(), &table);
  if (status != MDB_SUCCESS) return fail(lmdb_error(status, "stat"));
  const LmdbEnv::Size size = guard.env().size();
  LmdbStats stats;
  stats.commits = counters_.commits.load();
  stats.conflicts = counters_.conflicts.load();
  stats.fsyncs = counters_.fsyncs.load();
  stats.grown = counters_.grown.load();
  stats.reopened = counters_.reopened.load();
  stats.entries = table.ms_entries;
  stats.map_bytes = size.map_bytes;
  stats.used_bytes = size.used_bytes;
  return stats;
}

}  // namespace bulla::storage
