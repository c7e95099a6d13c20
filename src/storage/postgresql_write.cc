// PostgresqlStorage's commits: groups that one transaction writes, and what
// became of one whose connection was lost.

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "storage/limits.h"
#include "storage/postgresql.h"

namespace bulla::storage {
namespace {

constexpr int kAttempts = 4;
constexpr std::int64_t kPruneEach = 256;

using Versions = std::unordered_map<std::string_view, std::uint64_t>;

Result<void> check(const PendingCommit& commit, std::uint64_t epoch,
                   const Versions& versions) {
  if (commit.epoch && *commit.epoch != epoch) {
    return fail(ErrorCode::kPermissionDenied,
                "postgresql: another node leads, or none does");
  }
  for (const Change& change : commit.changes) {
    if (!change.expected) continue;
    const auto found = versions.find(change.path);
    const auto now = found == versions.end() ? Change::kAbsent : found->second;
    if (now != *change.expected) {
      return fail(ErrorCode::kConflict,
                  fmt::format("the entry at \"{}\" has changed", change.path));
    }
  }
  return {};
}

std::vector<std::string_view> expected_paths(GroupCommitter::Group group) {
  std::vector<std::string_view> paths;
  for (const PendingCommit* commit : group) {
    for (const Change& change : commit->changes) {
      if (change.expected) paths.emplace_back(change.path);
    }
  }
  return paths;
}

}  // namespace

Result<void> PostgresqlStorage::commit(std::span<const Change> changes) {
  TRY(check_changes(changes));
  if (changes.empty()) return {};
  return committer_->commit(changes);
}

Result<void> PostgresqlStorage::commit_fenced(std::span<const Change> changes,
                                              std::uint64_t epoch) {
  TRY(check_changes(changes));
  return committer_->commit(changes, epoch);
}

void PostgresqlStorage::apply(GroupCommitter::Group group) {
  const auto written = write(group);
  if (written) return;
  for (PendingCommit* commit : group) commit->result = written;
}

Result<void> PostgresqlStorage::ensure_writer() {
  if (writer_ != nullptr && !writer_->broken()) return {};
  writer_.reset();
  TRY_ASSIGN(writer_, pool_.open());
  return {};
}

/// Until the group is written, or it is known that it is not. A lost commit
/// that did not happen is written again: so that a database that restarts
/// fails only what does not find it back in time.
Result<void> PostgresqlStorage::write(GroupCommitter::Group group) {
  Result<void> outcome;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRY(ensure_writer());
    const int pid = writer_->backend_pid();
    Write write;
    outcome = write_once(group, write);
    if (outcome) return {};
    const bool broken = writer_->broken();
    if (broken && write.commit_sent) {
      TRY_ASSIGN(const bool committed, was_committed(write, pid));
      if (committed) return {};
    }
    if (!broken && writer_->in_transaction() &&
        !writer_->run(statements_.rollback)) {
      writer_.reset();
    }
    if (!broken && outcome.error().code() != ErrorCode::kConflict) break;
  }
  // To be run again, too often: a conflict is of versions alone.
  if (!outcome && outcome.error().code() == ErrorCode::kConflict) {
    return fail(unavailable(outcome.error().message()));
  }
  return outcome;
}

Result<void> PostgresqlStorage::write_once(GroupCommitter::Group group,
                                           Write& write) {
  for (PendingCommit* commit : group) commit->result = {};
  TRY(lock_and_check(group, write));
  run_hook(Step::kLocked);
  const bool nothing = std::ranges::none_of(
      group, [](const PendingCommit* c) { return c->result.has_value(); });
  if (nothing) {
    TRY(writer_->run(statements_.rollback));
    return {};
  }
  return apply_changes(group, write);
}

Result<void> PostgresqlStorage::lock_and_check(GroupCommitter::Group group,
                                               Write& write) {
  const auto paths = expected_paths(group);
  std::vector<PgCall> calls = {{&statements_.begin, {}},
                               {&statements_.next_revision, {}}};
  // Sees what was committed before the lock was had: each statement of READ
  // COMMITTED looks anew.
  if (!paths.empty()) {
    calls.push_back({&statements_.versions, PgParams().array(paths)});
  }
  TRY_ASSIGN(const auto rows, writer_->run(calls));
  write.revision = rows[1].number(0, 0);
  const auto epoch = static_cast<std::uint64_t>(rows[1].number(0, 1));
  if (write.revision <= 0) {
    return fail(corrupt("postgresql: the table of revisions is empty"));
  }
  Versions versions;
  for (int i = 0; !paths.empty() && i < rows[2].count(); ++i) {
    versions[rows[2].bytes(i, 0)] =
        static_cast<std::uint64_t>(rows[2].number(i, 1));
  }
  for (PendingCommit* commit : group) {
    commit->result = check(*commit, epoch, versions);
    if (!commit->result) continue;
    for (const Change& change : commit->changes) {
      versions[change.path] = change.value
                                  ? static_cast<std::uint64_t>(write.revision)
                                  : Change::kAbsent;
    }
  }
  return {};
}

Result<void> PostgresqlStorage::apply_changes(GroupCommitter::Group group,
                                              Write& write) {
  std::map<std::string_view, const Change*> last;
  for (const PendingCommit* commit : group) {
    if (!commit->result) continue;
    for (const Change& change : commit->changes) last[change.path] = &change;
  }
  std::vector<std::string_view> paths;
  std::vector<std::string_view> put;
  std::vector<std::string_view> values;
  std::vector<std::string_view> removed;
  for (const auto& [path, change] : last) {
    paths.push_back(path);
    (change->value ? put : removed).push_back(path);
    if (change->value) values.push_back(as_text(*change->value));
  }
  if (::getrandom(write.id.data(), write.id.size(), 0) !=
      static_cast<ssize_t>(write.id.size())) {
    return fail(internal_error("no random bytes"));
  }
  std::vector<PgCall> calls;
  if (!put.empty()) {
    calls.push_back(
        {&statements_.put,
         PgParams().array(put).array(values).number(write.revision)});
  }
  if (!removed.empty()) {
    calls.push_back({&statements_.remove, PgParams().array(removed)});
  }
  calls.push_back({&statements_.log_change, PgParams()
                                                .number(write.revision)
                                                .bytes(write.id)
                                                .array(paths)
                                                .bytes(statements_.channel)});
  if (write.revision % kPruneEach == 0) {
    calls.push_back({&statements_.prune_changes,
                     PgParams().number(write.revision - kChangesKept)});
  }
  calls.push_back({&statements_.commit, {}});
  write.commit_sent = true;
  run_hook(Step::kCommitSent);
  TRY(writer_->run(calls));
  return {};
}

/// Ends the session that may still commit, waits for whoever commits, and looks
/// which commit took the revision.
Result<bool> PostgresqlStorage::was_committed(const Write& write, int pid) {
  const auto unknown = [](const Error& error) {
    return unavailable(
        fmt::format("{}; the connection was lost in a commit, outcome unknown",
                    error.message()));
  };
  const auto opened = ensure_writer();
  if (!opened) return fail(unknown(opened.error()));
  const auto ended =
      writer_->run(statements_.end_backend, PgParams().number(pid));
  if (!ended) return fail(unknown(ended.error()));
  const auto awaited = writer_->run(statements_.await_commits);
  if (!awaited) return fail(unknown(awaited.error()));
  const auto found =
      writer_->run(statements_.commit_at, PgParams().number(write.revision));
  if (!found) return fail(unknown(found.error()));
  return found->count() > 0 &&
         std::ranges::equal(as_bytes(found->bytes(0, 0)), write.id);
}

}  // namespace bulla::storage
