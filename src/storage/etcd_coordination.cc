// EtcdStorage among several nodes: the leader is a key under a lease, and its
// revision of creation is the epoch; changes come by a watch.

#include <algorithm>
#include <utility>

#include "storage/etcd.h"

namespace bulla::storage {
namespace {

constexpr std::chrono::milliseconds kCatchUp{1000};

Error not_leading() {
  return {ErrorCode::kPermissionDenied,
          "etcd: another node leads, or none does"};
}

// be32(size of the name) ‖ name ‖ data.
Bytes encode_leader(const Candidate& candidate) {
  Bytes out(4);
  put_be32(out.data(), static_cast<std::uint32_t>(candidate.name.size()));
  const ByteView name = as_bytes(candidate.name);
  out.insert(out.end(), name.begin(), name.end());
  out.insert(out.end(), candidate.data.begin(), candidate.data.end());
  return out;
}

Leader leader_of(const EtcdEntry& entry) {
  Leader leader;
  leader.epoch = entry.create_revision;
  std::string_view rest = entry.value;
  if (rest.size() < 4) return leader;
  const std::size_t size = get_be32(as_bytes(rest).data());
  rest.remove_prefix(4);
  leader.name = rest.substr(0, size);
  leader.data = to_bytes(rest.substr(leader.name.size()));
  return leader;
}

std::string lease_message(std::uint64_t id) {
  ProtoWriter message;
  message.number(1, id);
  return message.text();
}

}  // namespace

Result<Attempt> EtcdStorage::try_lead(const Candidate& candidate) {
  TRY(check_candidate(candidate));
  ProtoWriter grant;
  grant.number(1, static_cast<std::uint64_t>(candidate.lease.count()));
  TRY_ASSIGN(const auto granted, client_.call("Lease/LeaseGrant", grant.text(),
                                              /*once=*/true));
  TRY_ASSIGN(const auto lease, parse_lease(granted));
  EtcdTxnRequest request;
  request.if_modified(leader_, 0)
      .get(epoch_)
      .put(leader_, encode_leader(candidate), lease.id)
      .put(epoch_, {})
      .else_get(leader_);
  const auto answer = client_.call("KV/Txn", request.text(), /*once=*/true);
  // Whatever was not won needs no lease, and what was may lapse unused.
  const auto give_up = [&] {
    static_cast<void>(
        client_.call("Lease/LeaseRevoke", lease_message(lease.id)));
  };
  if (!answer) {
    give_up();
    return fail(answer.error());
  }
  TRY_ASSIGN(const auto txn, parse_txn(*answer));
  const bool found = !txn.ranges.empty() && !txn.ranges[0].entries.empty();
  if (!txn.succeeded) {
    give_up();
    return Attempt{false,
                   found ? leader_of(txn.ranges[0].entries[0]) : Leader(), 0};
  }
  return Attempt{true,
                 {candidate.name, candidate.data, txn.revision},
                 found ? txn.ranges[0].entries[0].mod_revision : 0};
}

/// The leader's entry, when `epoch` leads.
Result<std::optional<EtcdEntry>> EtcdStorage::find_led(std::uint64_t epoch,
                                                       std::string& answer) {
  TRY_ASSIGN(auto found, find(leader_, answer));
  if (!found || found->create_revision != epoch) return std::nullopt;
  return found;
}

Result<void> EtcdStorage::renew(std::uint64_t epoch) {
  std::string answer;
  TRY_ASSIGN(const auto found, find_led(epoch, answer));
  if (!found) return fail(not_leading());
  const auto kept =
      client_.call("Lease/LeaseKeepAlive", lease_message(found->lease));
  if (!kept) return fail(kept.error());
  TRY_ASSIGN(const auto lease, parse_lease(*kept));
  if (lease.ttl <= 0) return fail(not_leading());
  return {};
}

Result<void> EtcdStorage::release(std::uint64_t epoch) {
  std::string answer;
  TRY_ASSIGN(const auto found, find_led(epoch, answer));
  if (!found) return {};
  const auto revoked =
      client_.call("Lease/LeaseRevoke", lease_message(found->lease));
  // It lapsed meanwhile.
  if (!revoked && revoked.error().code() == ErrorCode::kNotFound) return {};
  if (!revoked) return fail(revoked.error());
  return {};
}

Result<std::optional<Leader>> EtcdStorage::leader() {
  std::string answer;
  TRY_ASSIGN(const auto found, find(leader_, answer));
  if (!found) return std::nullopt;
  return leader_of(*found);
}

Result<std::uint64_t> EtcdStorage::revision() {
  std::string answer;
  TRY_ASSIGN(const auto head, find(head_, answer));
  return head ? head->mod_revision : 0;
}

/// A watch of all that commits touch. The head tells how far it must have come.
class EtcdStorage::Feed final : public ChangeFeed {
 public:
  Feed(EtcdStorage& storage, std::uint64_t after)
      : storage_(storage), after_(after) {}

  Result<Batch> next(std::chrono::milliseconds wait) override {
    if (stream_ == nullptr) TRY(open());
    TRY_ASSIGN(Batch batch, read(wait));
    if (batch.lost || !batch.paths.empty()) return batch;
    TRY_ASSIGN(const std::uint64_t newest, storage_.revision());
    if (newest < after_) return lose(newest);
    if (newest == after_) return batch;
    TRY_ASSIGN(batch, read(kCatchUp));
    if (batch.lost || batch.revision >= newest) return batch;
    stream_.reset();
    storage_.client_.next_endpoint();
    return fail(unavailable("etcd: the watch does not keep up"));
  }

 private:
  Result<void> open() {
    ProtoWriter create;
    create.bytes(1, storage_.root_)
        .bytes(2, std::string_view(end_of_root()))
        .number(3, after_ + 1);
    ProtoWriter request;
    request.message(1, create);
    TRY_ASSIGN(stream_, storage_.client_.stream("Watch/Watch", request.text()));
    buffer_.clear();
    return {};
  }

  std::string end_of_root() const {
    std::string end = storage_.root_;
    end.back() = '/' + 1;
    return end;
  }

  /// Until there are paths, or the wait is over.
  Result<Batch> read(std::chrono::milliseconds wait) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    Batch batch{after_, {}, false};
    while (batch.paths.empty()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      auto more = stream_->read(std::max(left, std::chrono::milliseconds(0)));
      if (!more) {
        stream_.reset();
        storage_.client_.next_endpoint();
        return fail(unavailable("etcd: watch: " + more.error().message()));
      }
      if (more->empty() && left.count() <= 0) break;
      buffer_ += *more;
      TRY(take_messages(batch));
      if (batch.lost) return batch;
    }
    return batch;
  }

  Result<void> take_messages(Batch& batch) {
    while (true) {
      TRY_ASSIGN(const auto message, EtcdClient::take_message(buffer_));
      if (!message) return {};
      TRY_ASSIGN(const auto watch, parse_watch(*message));
      if (watch.compacted != 0) {
        TRY_ASSIGN(const std::uint64_t newest, storage_.revision());
        batch = lose(newest);
        return {};
      }
      if (watch.canceled) {
        stream_.reset();
        return fail(unavailable("etcd: the watch was ended"));
      }
      take_events(watch, batch);
    }
  }

  void take_events(const EtcdWatch& watch, Batch& batch) {
    for (const EtcdEntry& event : watch.events) {
      const bool entry = event.key.starts_with(storage_.entries_);
      // Who leads is no commit: revision() does not count it.
      if (!entry && event.key != storage_.head_) continue;
      after_ = std::max(after_, event.mod_revision);
      if (!entry) continue;
      batch.paths.emplace_back(event.key.substr(storage_.entries_.size()));
    }
    batch.revision = after_;
  }

  Batch lose(std::uint64_t newest) {
    stream_.reset();
    after_ = newest;
    return {newest, {}, true};
  }

  EtcdStorage& storage_;
  std::uint64_t after_;
  std::unique_ptr<net::HttpStream> stream_;
  std::string buffer_;
};

std::unique_ptr<ChangeFeed> EtcdStorage::watch(std::uint64_t after) {
  return std::make_unique<Feed>(*this, after);
}

}  // namespace bulla::storage
