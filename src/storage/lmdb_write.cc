// LmdbStorage's writer thread: a group of commits becomes one transaction.

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "storage/lmdb.h"
#include "storage/lmdb_record.h"

namespace bulla::storage {
namespace {

constexpr std::string_view kVersionKey = "version";

/// The tables within one write transaction, and the version last given out.
struct Tables {
  MDB_txn* txn;
  MDB_dbi entries;
  MDB_dbi meta;
  std::uint64_t version = 0;
};

int load_version(Tables& tables) {
  MDB_val key = val_of(kVersionKey);
  MDB_val value;
  const int status = mdb_get(tables.txn, tables.meta, &key, &value);
  if (status == MDB_NOTFOUND) return MDB_SUCCESS;
  if (status != MDB_SUCCESS) return status;
  if (value.mv_size != LmdbRecord::kVersionBytes) return MDB_CORRUPTED;
  tables.version = get_be64(static_cast<const std::uint8_t*>(value.mv_data));
  return MDB_SUCCESS;
}

int store_version(const Tables& tables) {
  std::array<std::uint8_t, LmdbRecord::kVersionBytes> bytes{};
  put_be64(bytes.data(), tables.version);
  MDB_val key = val_of(kVersionKey);
  MDB_val value{bytes.size(), bytes.data()};
  return mdb_put(tables.txn, tables.meta, &key, &value, 0);
}

int current_version(const Tables& tables, const std::string& path,
                    std::uint64_t* version) {
  MDB_val key = val_of(path);
  MDB_val value;
  const int status = mdb_get(tables.txn, tables.entries, &key, &value);
  *version = Change::kAbsent;
  if (status == MDB_NOTFOUND) return MDB_SUCCESS;
  if (status != MDB_SUCCESS) return status;
  const auto record = LmdbRecord::parse(path, value);
  if (!record) return MDB_CORRUPTED;
  *version = record->version;
  return MDB_SUCCESS;
}

/// Checks every expectation of one commit; sets its result.
int check_expected(const Tables& tables, PendingCommit& commit) {
  commit.result = {};
  for (const Change& change : commit.changes) {
    if (!change.expected) continue;
    std::uint64_t version = 0;
    const int status = current_version(tables, change.path, &version);
    if (status != MDB_SUCCESS) return status;
    if (version == *change.expected) continue;
    commit.result =
        fail(ErrorCode::kConflict,
             fmt::format("the entry at \"{}\" has changed", change.path));
    return MDB_SUCCESS;
  }
  return MDB_SUCCESS;
}

int put(const Tables& tables, const Change& change) {
  MDB_val key = val_of(change.path);
  MDB_val value{LmdbRecord::kVersionBytes + change.value->size(), nullptr};
  const int status =
      mdb_put(tables.txn, tables.entries, &key, &value, MDB_RESERVE);
  if (status != MDB_SUCCESS) return status;
  auto* out = static_cast<std::uint8_t*>(value.mv_data);
  put_be64(out, tables.version);
  std::copy(change.value->begin(), change.value->end(),
            out + LmdbRecord::kVersionBytes);
  return MDB_SUCCESS;
}

int remove(const Tables& tables, const Change& change) {
  MDB_val key = val_of(change.path);
  const int status = mdb_del(tables.txn, tables.entries, &key, nullptr);
  return status == MDB_NOTFOUND ? MDB_SUCCESS : status;
}

int apply_changes(Tables& tables, const PendingCommit& commit) {
  ++tables.version;
  for (const Change& change : commit.changes) {
    const int status =
        change.value ? put(tables, change) : remove(tables, change);
    if (status != MDB_SUCCESS) return status;
  }
  return MDB_SUCCESS;
}

}  // namespace

void LmdbStorage::apply(GroupCommitter::Group group) {
  auto written = write(group);
  if (written) {
    for (const PendingCommit* commit : group) {
      auto& counter = commit->result ? counters_.commits : counters_.conflicts;
      counter.fetch_add(1, std::memory_order_relaxed);
    }
    return;
  }
  // Nothing changed, unless the outcome is unknown: one commit that cannot be
  // had (too large for the space left, a damaged page) must not fail the rest.
  if (group.size() > 1 && written.error().code() != ErrorCode::kUnavailable) {
    for (std::size_t i = 0; i < group.size(); ++i) apply(group.subspan(i, 1));
    return;
  }
  for (PendingCommit* commit : group) commit->result = written;
}

/// One transaction for the group, the map enlarged as often as it takes.
Result<void> LmdbStorage::write(GroupCommitter::Group group) {
  while (true) {
    TRY(ensure_open());
    MDB_txn* txn = nullptr;
    int status = env_->begin_write(&txn);
    if (status != MDB_SUCCESS) return fail(commit_failed(status));
    status = apply_in(txn, group);
    const bool nothing_to_write =
        std::all_of(group.begin(), group.end(),
                    [](const PendingCommit* c) { return !c->result; });
    if (status != MDB_SUCCESS || nothing_to_write) {
      mdb_txn_abort(txn);
      if (status == MDB_SUCCESS) return {};
    } else {
      status = mdb_txn_commit(txn);
      if (status == MDB_SUCCESS) {
        counters_.fsyncs.fetch_add(1, std::memory_order_relaxed);
        return {};
      }
    }
    if (status != MDB_MAP_FULL) return fail(commit_failed(status));
    TRY(grow());
  }
}

int LmdbStorage::apply_in(MDB_txn* txn, GroupCommitter::Group group) {
  Tables tables{txn, env_->entries(), env_->meta()};
  int status = load_version(tables);
  for (PendingCommit* commit : group) {
    if (status == MDB_SUCCESS) status = check_expected(tables, *commit);
    if (status == MDB_SUCCESS && commit->result) {
      status = apply_changes(tables, *commit);
    }
  }
  if (status == MDB_SUCCESS) status = store_version(tables);
  return status;
}

/// What a failed transaction means. LMDB gives up on the environment
/// (MDB_PANIC) only when the write of its meta page failed: then the outcome is
/// unknown and a reopen finds out what the file holds. Otherwise the meta page
/// was not touched and nothing changed.
Error LmdbStorage::commit_failed(int status) {
  MDB_txn* probe = nullptr;
  const int state = env_->begin_write(&probe);
  if (state == MDB_SUCCESS) {
    mdb_txn_abort(probe);
    if (out_of_space(status)) {
      return {ErrorCode::kExhausted,
              fmt::format("lmdb: no space left for \"{}\": {}",
                          options_.directory, mdb_strerror(status))};
    }
    return lmdb_error(status, "commit");
  }
  const auto reopened = reopen(env_->size().map_bytes);
  return unavailable(fmt::format("lmdb: commit: {}; outcome unknown{}",
                                 mdb_strerror(status),
                                 reopened ? "" : ", and reopening failed"));
}

/// LMDB reports a write that a full disk cut short as EIO, so that EIO alone
/// does not tell a full disk from a failing one.
bool LmdbStorage::out_of_space(int status) const {
  if (status == ENOSPC || status == EDQUOT || status == EFBIG) return true;
  if (status != EIO) return false;
  constexpr std::size_t kShort =
      std::size_t{2} * GroupCommitter::kGroupBytesMax;
  struct statvfs disk {};
  if (::statvfs(options_.directory.c_str(), &disk) == 0 &&
      disk.f_bavail * disk.f_frsize < kShort) {
    return true;
  }
  struct rlimit file {};
  return ::getrlimit(RLIMIT_FSIZE, &file) == 0 &&
         file.rlim_cur != RLIM_INFINITY &&
         file.rlim_cur < env_->size().used_bytes + kShort;
}

Result<void> LmdbStorage::ensure_open() {
  if (env_) return {};
  return reopen(options_.map_bytes_initial);
}

Result<void> LmdbStorage::grow() {
  const std::size_t now = env_->size().map_bytes;
  if (now >= options_.map_bytes_max) {
    return fail(ErrorCode::kExhausted,
                fmt::format("lmdb: \"{}\" has reached its limit of {} bytes; "
                            "raise its map_size_max",
                            options_.directory, options_.map_bytes_max));
  }
  return enlarge(now, std::min(now * 2, options_.map_bytes_max));
}

Result<void> LmdbStorage::enlarge(std::size_t from, std::size_t to) {
  const auto alone = exclude_readers();
  if (env_->resize(to) == MDB_SUCCESS) {
    counters_.grown.fetch_add(1, std::memory_order_relaxed);
    return {};
  }
  TRY(replace_env(from));  // a failed resize leaves no map behind
  return fail(ErrorCode::kExhausted,
              fmt::format("lmdb: no address space for a map of {} bytes", to));
}

Result<void> LmdbStorage::reopen(std::size_t map_bytes) {
  const auto alone = exclude_readers();
  return replace_env(map_bytes);
}

/// Only under exclude_readers().
Result<void> LmdbStorage::replace_env(std::size_t map_bytes) {
  env_.reset();
  TRY_ASSIGN(env_, LmdbEnv::open(options_.directory, map_bytes));
  counters_.reopened.fetch_add(1, std::memory_order_relaxed);
  return {};
}

std::unique_lock<std::shared_mutex> LmdbStorage::exclude_readers() {
  const std::lock_guard gate(gate_);
  gate_closed_.store(true, std::memory_order_release);
  std::unique_lock alone(env_mutex_);
  gate_closed_.store(false, std::memory_order_release);
  return alone;
}

}  // namespace bulla::storage
