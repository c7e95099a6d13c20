#pragma once

#include <lmdb.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulla::storage {

/// An LMDB status as our error; `what` names the step that failed.
///   kExhausted    MDB_MAP_FULL, ENOSPC, EDQUOT, EFBIG.
///   kCorrupt      MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID,
///                 MDB_VERSION_MISMATCH.
///   kUnavailable  everything else.
Error lmdb_error(int status, std::string_view what);

/// The bytes an MDB_val shows, and the other way round.
inline std::string_view text_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}
MDB_val val_of(std::string_view text);

/// One open LMDB environment with Bulla's two tables (docs/formats/lmdb.md) and
/// a pool of reader transactions, so that a read claims no reader slot anew.
/// Reading is for any thread. Writing, resizing and destroying are for one
/// thread, and the last two only while no Reader lives.
class LmdbEnv {
 public:
  /// LMDB's reader table: how many reads can run at one time.
  static constexpr unsigned kReadersMax = 1024;

  /// A read transaction over the newest snapshot; what is read through it
  /// points into the map and lives as long as it does.
  class Reader {
   public:
    Reader(LmdbEnv& env, MDB_txn* txn) : env_(&env), txn_(txn) {}
    Reader(Reader&& other) noexcept : env_(other.env_), txn_(other.txn_) {
      other.txn_ = nullptr;
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() {
      if (txn_ != nullptr) env_->give_back(txn_);
    }
    MDB_txn* txn() const { return txn_; }

   private:
    LmdbEnv* env_;
    MDB_txn* txn_;
  };

  struct Size {
    std::size_t map_bytes = 0;
    std::size_t used_bytes = 0;  // up to the last page ever used
  };

  /// Opens or makes the files in `directory` (mode 0600), with a map of at
  /// least `map_bytes`.
  ///   kCorrupt      not an LMDB file, or damaged.
  ///   kUnsupported  written in a newer format than this Bulla knows.
  static Result<std::unique_ptr<LmdbEnv>> open(const std::string& directory,
                                               std::size_t map_bytes);
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;
  ~LmdbEnv();

  Result<Reader> reader();
  /// A write transaction, or LMDB's status.
  int begin_write(MDB_txn** txn);
  /// Maps `map_bytes`. After a failure the environment must be destroyed.
  int resize(std::size_t map_bytes);

  MDB_dbi entries() const { return entries_; }
  MDB_dbi meta() const { return meta_; }
  Size size() const;

 private:
  explicit LmdbEnv(MDB_env* env) : env_(env) {}

  Result<void> open_files(const std::string& directory, std::size_t map_bytes);
  Result<void> extend_file() const;
  Result<void> open_tables();
  int open_tables_in(MDB_txn* txn, std::uint32_t* format);
  void give_back(MDB_txn* txn);

  static constexpr std::size_t kPoolSlots = 64;

  MDB_env* env_;
  MDB_dbi entries_ = 0;
  MDB_dbi meta_ = 0;
  std::array<std::atomic<MDB_txn*>, kPoolSlots> pool_{};
};

}  // namespace bulla::storage
