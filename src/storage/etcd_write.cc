// EtcdStorage's commits, and what became of one whose answer was lost.

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>

#include "storage/etcd.h"
#include "storage/limits.h"

namespace bulla::storage {
namespace {

constexpr int kAttempts = 6;
constexpr int kHistoryMost = 4096;

Error not_leading() {
  return {ErrorCode::kPermissionDenied,
          "etcd: another node leads, or none does"};
}

}  // namespace

Result<void> EtcdStorage::commit(std::span<const Change> changes) {
  TRY(check_changes(changes));
  if (changes.empty()) return {};
  return write(changes, std::nullopt);
}

Result<void> EtcdStorage::commit_fenced(std::span<const Change> changes,
                                        std::uint64_t epoch) {
  TRY(check_changes(changes));
  return write(changes, epoch);
}

Result<std::string> EtcdStorage::encode(std::span<const Change> changes,
                                        std::optional<std::uint64_t> epoch,
                                        const CommitId& id,
                                        std::uint64_t gate) const {
  EtcdTxnRequest txn;
  txn.if_modified(gate_, gate).put(head_, id).else_get(gate_);
  if (epoch) txn.if_created(leader_, *epoch).else_get(leader_);
  for (const Change& change : changes) {
    const std::string key = key_of(change.path);
    if (change.expected) txn.if_modified(key, *change.expected);
    if (change.value) {
      txn.put(key, *change.value);
    } else {
      txn.remove(key);
    }
  }
  if (txn.text().size() <= kRequestBytesMax) return txn.text();
  return fail(invalid_argument(
      fmt::format("a commit of {} bytes is over etcd's limit of {}",
                  txn.text().size(), kRequestBytesMax)));
}

Result<std::string> EtcdStorage::send(const std::string& message) {
  const Lose lose = hook_ ? hook_() : Lose::kNothing;
  if (lose == Lose::kRequest) return fail(unavailable("etcd: lost"));
  auto answer = client_.call("KV/Txn", message, /*once=*/true);
  if (lose == Lose::kAnswer) return fail(unavailable("etcd: lost"));
  return answer;
}

Result<void> EtcdStorage::write(std::span<const Change> changes,
                                std::optional<std::uint64_t> epoch) {
  CommitId id{};
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return fail(internal_error("no random bytes"));
  }
  const std::uint64_t since = seen_revision_;
  Error last = unavailable("etcd: the gate moves too often");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t gate = gate_revision_;
    TRY_ASSIGN(const auto message, encode(changes, epoch, id, gate));
    const auto answer = send(message);
    if (!answer) {
      last = answer.error();
      if (last.code() != ErrorCode::kUnavailable) return fail(last);
      TRY_ASSIGN(const bool applied, settle(id, since));
      if (applied) return {};
      continue;
    }
    TRY_ASSIGN(const auto txn, parse_txn(*answer));
    if (txn.succeeded) {
      seen_revision_ = std::max<std::uint64_t>(seen_revision_, txn.revision);
      return {};
    }
    TRY(refused(txn, epoch, gate));
  }
  return fail(unavailable(last.message()));
}

Result<void> EtcdStorage::refused(const EtcdTxn& txn,
                                  std::optional<std::uint64_t> epoch,
                                  std::uint64_t gate) {
  if (txn.ranges.empty()) return fail(corrupt("etcd: no reason for a refusal"));
  if (txn.ranges[0].entries.empty()) return find_gate();
  if (txn.ranges[0].entries[0].mod_revision != gate) {
    gate_revision_ = txn.ranges[0].entries[0].mod_revision;
    return {};
  }
  if (epoch && (txn.ranges.size() < 2 || txn.ranges[1].entries.empty() ||
                txn.ranges[1].entries[0].create_revision != *epoch)) {
    return fail(not_leading());
  }
  return fail(ErrorCode::kConflict, "an entry has changed");
}

/// Whether the commit with `id` happened; once this is answered it happens no
/// more.
Result<bool> EtcdStorage::settle(const CommitId& id, std::uint64_t since) {
  const auto unknown = [](const Error& error) {
    return unavailable(
        fmt::format("{}; the answer of a commit was lost, outcome unknown",
                    error.message()));
  };
  // Twice does no harm.
  const auto moved = client_.call("KV/Put", put_request(gate_, {}).text());
  if (!moved) return fail(unknown(moved.error()));
  TRY_ASSIGN(const auto put, parse_range(*moved));
  gate_revision_ = put.revision;
  std::uint64_t at = 0;
  for (int step = 0; step < kHistoryMost; ++step) {
    std::string answer;
    const auto head = find(head_, answer, at);
    if (!head) return fail(unknown(head.error()));
    if (!*head || (*head)->mod_revision <= since) return false;
    if (std::ranges::equal(as_bytes((*head)->value), id)) return true;
    at = (*head)->mod_revision - 1;
  }
  return fail(unknown(unavailable("etcd: too many commits since")));
}

}  // namespace bulla::storage
