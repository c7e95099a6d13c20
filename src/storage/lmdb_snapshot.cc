// LmdbStorage's snapshots: reads that last, and are taken away when the map has
// to move.

#include <utility>

#include "storage/lmdb.h"
#include "storage/lmdb_record.h"

namespace bulla::storage {

/// Holds a read transaction but not the environment, so that a resize waits for
/// one step of it at most.
class LmdbStorage::View final : public Snapshot {
 public:
  /// Only under hold().
  static Result<std::unique_ptr<Snapshot>> open(LmdbStorage& storage) {
    TRY_ASSIGN(auto reader, storage.env_->reader());
    MDB_cursor* cursor = nullptr;
    const int status =
        mdb_cursor_open(reader.txn(), storage.env_->entries(), &cursor);
    if (status != MDB_SUCCESS) return fail(lmdb_error(status, "open cursor"));
    std::unique_ptr<View> view(new View(storage, std::move(reader), cursor));
    const std::lock_guard lock(storage.views_mutex_);
    storage.views_.insert(view.get());
    return view;
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  ~View() override {
    {
      const std::lock_guard lock(storage_.views_mutex_);
      storage_.views_.erase(this);
    }
    close();
  }

  void close() {
    const std::lock_guard lock(mutex_);
    if (!reader_) return;
    mdb_cursor_close(cursor_);
    reader_.reset();
  }

  void seek(std::string_view at_least) override {
    from_ = at_least;
    seeking_ = true;
  }

  Result<std::optional<Item>> next() override {
    const std::lock_guard lock(mutex_);
    if (!reader_) {
      return fail(ErrorCode::kConflict,
                  "lmdb: the map was enlarged under the snapshot");
    }
    MDB_val key = val_of(from_);
    MDB_val value;
    MDB_cursor_op move = from_.empty() ? MDB_FIRST : MDB_SET_RANGE;
    if (!std::exchange(seeking_, false)) move = MDB_NEXT;
    const int status = mdb_cursor_get(cursor_, &key, &value, move);
    if (status == MDB_NOTFOUND) return std::nullopt;
    if (status != MDB_SUCCESS) return fail(lmdb_error(status, "snapshot"));
    const std::string_view path = text_of(key);
    TRY_ASSIGN(const auto record, LmdbRecord::parse(path, value));
    return Item{std::string(path), to_bytes(record.value)};
  }

 private:
  View(LmdbStorage& storage, LmdbEnv::Reader reader, MDB_cursor* cursor)
      : storage_(storage), reader_(std::move(reader)), cursor_(cursor) {}

  LmdbStorage& storage_;
  std::mutex mutex_;  // held for a step, and to close
  std::optional<LmdbEnv::Reader> reader_;
  MDB_cursor* cursor_;
  std::string from_;
  bool seeking_ = true;
};

Result<std::unique_ptr<Snapshot>> LmdbStorage::snapshot() {
  TRY_ASSIGN(const auto held, hold());
  return View::open(*this);
}

/// Only under exclude_readers().
void LmdbStorage::close_views() {
  const std::lock_guard lock(views_mutex_);
  for (View* const view : views_) view->close();
}

}  // namespace bulla::storage
