#include "storage/lmdb_env.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"

namespace bulla::storage {
namespace {

constexpr std::uint32_t kFormat = 1;
constexpr std::string_view kFormatKey = "format";

/// Where a thread looks first in the pool, so that threads seldom meet.
std::size_t pool_hint() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t hint =
      threads.fetch_add(1, std::memory_order_relaxed);
  return hint;
}

/// Reads the format record, or writes ours into a new file.
int read_format(MDB_txn* txn, MDB_dbi meta, std::uint32_t* format) {
  MDB_val key = val_of(kFormatKey);
  MDB_val value;
  const int status = mdb_get(txn, meta, &key, &value);
  if (status == MDB_SUCCESS) {
    if (value.mv_size != 4) return MDB_CORRUPTED;
    *format = get_be32(static_cast<const std::uint8_t*>(value.mv_data));
    return MDB_SUCCESS;
  }
  if (status != MDB_NOTFOUND) return status;
  std::array<std::uint8_t, 4> ours{};
  put_be32(ours.data(), kFormat);
  value = {ours.size(), ours.data()};
  *format = kFormat;
  return mdb_put(txn, meta, &key, &value, 0);
}

}  // namespace

Error lmdb_error(int status, std::string_view what) {
  std::string message = fmt::format("lmdb: {}: {}", what, mdb_strerror(status));
  switch (status) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {ErrorCode::kExhausted, std::move(message)};
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
      return corrupt(std::move(message));
    default:
      return unavailable(std::move(message));
  }
}

MDB_val val_of(std::string_view text) {
  // LMDB's type has no const; it does not write through keys and values.
  return {text.size(), const_cast<char*>(text.data())};
}

Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const std::string& directory,
                                               std::size_t map_bytes) {
  MDB_env* raw = nullptr;
  if (const int status = mdb_env_create(&raw); status != MDB_SUCCESS) {
    return fail(lmdb_error(status, "create environment"));
  }
  std::unique_ptr<LmdbEnv> env(new LmdbEnv(raw));
  auto opened = env->open_files(directory, map_bytes);
  if (!opened) {
    return fail(std::move(opened.error())
                    .with_context(fmt::format("storage \"{}\"", directory)));
  }
  return env;
}

Result<void> LmdbEnv::open_files(const std::string& directory,
                                 std::size_t map_bytes) {
  // MDB_NOMEMINIT stays off: with it, stale heap bytes would reach the file.
  int status = mdb_env_set_mapsize(env_, map_bytes);
  if (status == MDB_SUCCESS) status = mdb_env_set_maxdbs(env_, 2);
  if (status == MDB_SUCCESS) status = mdb_env_set_maxreaders(env_, kReadersMax);
  if (status == MDB_SUCCESS) {
    status = mdb_env_open(env_, directory.c_str(), MDB_NOTLS, 0600);
  }
  if (status != MDB_SUCCESS) return fail(lmdb_error(status, "open"));
  TRY(extend_file());
  return open_tables();
}

// A page behind the file's end would be a SIGBUS. Pages allocated and dropped
// in one transaction are never written, so a healthy file may be short too:
// extend it with zeros, which cost no space and read as MDB_CORRUPTED where a
// page of the tree was cut off.
Result<void> LmdbEnv::extend_file() const {
  mdb_filehandle_t fd = -1;
  struct stat info {};
  if (mdb_env_get_fd(env_, &fd) != MDB_SUCCESS || ::fstat(fd, &info) != 0) {
    return fail(lmdb_error(errno, "stat data.mdb"));
  }
  const std::size_t wanted = size().used_bytes;
  if (static_cast<std::size_t>(info.st_size) >= wanted) return {};
  if (::ftruncate(fd, static_cast<off_t>(wanted)) == 0) return {};
  return fail(lmdb_error(errno, "extend data.mdb"));
}

int LmdbEnv::open_tables_in(MDB_txn* txn, std::uint32_t* format) {
  int status = mdb_dbi_open(txn, "entries", MDB_CREATE, &entries_);
  if (status == MDB_SUCCESS) {
    status = mdb_dbi_open(txn, "meta", MDB_CREATE, &meta_);
  }
  if (status == MDB_SUCCESS) status = read_format(txn, meta_, format);
  return status;
}

Result<void> LmdbEnv::open_tables() {
  MDB_txn* txn = nullptr;
  int status = begin_write(&txn);
  if (status != MDB_SUCCESS) return fail(lmdb_error(status, "open tables"));
  std::uint32_t format = 0;
  status = open_tables_in(txn, &format);
  if (status != MDB_SUCCESS) {
    mdb_txn_abort(txn);
    return fail(lmdb_error(status, "open tables"));
  }
  status = mdb_txn_commit(txn);
  if (status != MDB_SUCCESS) return fail(lmdb_error(status, "open tables"));
  if (format == kFormat) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("storage format {} is not known to this version, "
                          "which knows {}",
                          format, kFormat));
}

LmdbEnv::~LmdbEnv() {
  for (auto& slot : pool_) {
    if (MDB_txn* txn = slot.load()) mdb_txn_abort(txn);
  }
  mdb_env_close(env_);
}

Result<LmdbEnv::Reader> LmdbEnv::reader() {
  const std::size_t first = pool_hint();
  MDB_txn* txn = nullptr;
  for (std::size_t i = 0; i < kPoolSlots && txn == nullptr; ++i) {
    auto& slot = pool_[(first + i) % kPoolSlots];
    if (slot.load(std::memory_order_relaxed) != nullptr) {
      txn = slot.exchange(nullptr, std::memory_order_acquire);
    }
  }
  if (txn == nullptr) {
    const int status = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    if (status != MDB_SUCCESS) return fail(lmdb_error(status, "begin read"));
    return Reader(*this, txn);
  }
  if (const int status = mdb_txn_renew(txn); status != MDB_SUCCESS) {
    mdb_txn_abort(txn);
    return fail(lmdb_error(status, "begin read"));
  }
  return Reader(*this, txn);
}

void LmdbEnv::give_back(MDB_txn* txn) {
  mdb_txn_reset(txn);
  const std::size_t first = pool_hint();
  for (std::size_t i = 0; i < kPoolSlots; ++i) {
    auto& slot = pool_[(first + i) % kPoolSlots];
    MDB_txn* empty = nullptr;
    if (slot.load(std::memory_order_relaxed) == nullptr &&
        slot.compare_exchange_strong(empty, txn, std::memory_order_release,
                                     std::memory_order_relaxed)) {
      return;
    }
  }
  mdb_txn_abort(txn);
}

int LmdbEnv::begin_write(MDB_txn** txn) {
  return mdb_txn_begin(env_, nullptr, 0, txn);
}

int LmdbEnv::resize(std::size_t map_bytes) {
  return mdb_env_set_mapsize(env_, map_bytes);
}

LmdbEnv::Size LmdbEnv::size() const {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  return {info.me_mapsize, (info.me_last_pgno + 1) * stat.ms_psize};
}

}  // namespace bulla::storage
