#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

#include "storage/directory_lock.h"
#include "storage/group_commit.h"
#include "storage/lmdb_env.h"
#include "storage/storage.h"

namespace bulla::storage {

struct LmdbOptions {
  /// Made when absent (mode 0700); its parent must be there. Local disks only.
  std::string directory;
  /// Address space mapped at first; it doubles by itself when it is full.
  std::size_t map_bytes_initial = std::size_t{256} << 20;
  /// Growth stops here and commits answer kExhausted.
  std::size_t map_bytes_max = std::size_t{64} << 30;
};

/// Counters since open(), and sizes now.
struct LmdbStats {
  std::uint64_t commits = 0;    ///< Callers' commits applied.
  std::uint64_t conflicts = 0;  ///< Callers' commits refused with kConflict.
  std::uint64_t fsyncs = 0;     ///< Groups made durable.
  std::uint64_t grown = 0;      ///< Times the map was enlarged.
  std::uint64_t reopened = 0;   ///< Times a failed flush made us reopen.
  std::uint64_t entries = 0;
  std::size_t map_bytes = 0;
  std::size_t used_bytes = 0;  ///< Up to the last page ever used.
};

/// The embedded engine: one LMDB file in a directory that one process owns.
/// Reads are snapshots that wait for nothing but a resize of the map, to which
/// a long one (snapshot()) gives way with kConflict. Commits that wait at one
/// time share one transaction and one flush. What LMDB cannot survive is in
/// docs/formats/lmdb.md.
class LmdbStorage final : public Storage {
 public:
  ///   kUnavailable  the directory cannot be used, or another process has it.
  ///   kCorrupt      the files are damaged or not LMDB's.
  ///   kUnsupported  they are of a newer format.
  static Result<std::unique_ptr<LmdbStorage>> open(LmdbOptions options);
  /// Finishes what waits. No call may run or start any more.
  ~LmdbStorage() override;

  Result<std::optional<Entry>> get(std::string_view path) override;
  Result<void> commit(std::span<const Change> changes) override;
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  std::string_view kind() const override { return "lmdb"; }

  /// Any thread; microseconds.
  Result<LmdbStats> stats();

 private:
  class Cursor;
  class View;
  class Guard;
  struct Counters {
    std::atomic<std::uint64_t> commits{0};
    std::atomic<std::uint64_t> conflicts{0};
    std::atomic<std::uint64_t> fsyncs{0};
    std::atomic<std::uint64_t> grown{0};
    std::atomic<std::uint64_t> reopened{0};
  };

  LmdbStorage(LmdbOptions options, DirectoryLock lock,
              std::unique_ptr<LmdbEnv> env);

  // On the writer thread (lmdb_write.cc).
  void apply(GroupCommitter::Group group);
  Result<void> write(GroupCommitter::Group group);
  int apply_in(MDB_txn* txn, GroupCommitter::Group group);
  Error commit_failed(int status);
  bool out_of_space(int status) const;
  Result<void> ensure_open();
  Result<void> grow();
  Result<void> enlarge(std::size_t from, std::size_t to);
  Result<void> reopen(std::size_t map_bytes);
  Result<void> replace_env(std::size_t map_bytes);
  std::unique_lock<std::shared_mutex> exclude_readers();
  void close_views();

  /// Holds the environment in place.
  Result<std::shared_lock<std::shared_mutex>> hold();

  LmdbOptions options_;
  DirectoryLock directory_lock_;
  // Readers share env_mutex_; a resize or reopen holds it alone. glibc lets
  // readers pass a waiting writer, so they stop at the gate while one waits.
  std::mutex gate_;
  std::atomic<bool> gate_closed_{false};
  std::shared_mutex env_mutex_;
  std::unique_ptr<LmdbEnv> env_;  // null after a reopen that failed
  std::mutex views_mutex_;
  std::set<View*> views_;  // the snapshots that live
  Counters counters_;
  GroupCommitter committer_;  // last: its thread uses the members above
};

}  // namespace bulla::storage
