#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "storage/coordination.h"
#include "storage/etcd_client.h"
#include "storage/etcd_messages.h"
#include "storage/storage.h"

namespace bulla::storage {

struct EtcdOptions {
  EtcdClient::Options client;
  /// What all keys begin with; a '/' is put behind it where it has none.
  std::string path = "/bulla/";
};

/// Storage in etcd (3.4 and newer), below a prefix of its own. A commit is one
/// transaction, each on its own way to etcd, which flushes many at once. An
/// entry's version is etcd's revision of it.
///
/// A commit whose answer is lost is settled: each depends on the revision of
/// one key, the gate. Putting the gate anew keeps what is still on its way
/// from happening; then the history of another key, the head, in which each
/// commit writes its id, tells whether this one did.
class EtcdStorage final : public Storage, public Coordination {
 public:
  /// Of a whole transaction; etcd's default is 1.5 MiB.
  static constexpr std::size_t kRequestBytesMax =
      (std::size_t{3} << 19) - (std::size_t{8} << 10);

  /// Runs before a commit is sent, and may say that it is to be taken for
  /// lost: before it is sent, or with its answer. For tests.
  enum class Lose : std::uint8_t { kNothing, kRequest, kAnswer };
  using Hook = std::function<Lose()>;

  /// Finds the gate, or makes it.
  ///   kInvalidArgument  options that cannot be.
  ///   kUnavailable      no endpoint answers, or etcd refuses us.
  static Result<std::unique_ptr<EtcdStorage>> open(EtcdOptions options);

  void set_hook(Hook hook) { hook_ = std::move(hook); }

  Result<std::optional<Entry>> get(std::string_view path) override;
  Result<void> commit(std::span<const Change> changes) override;
  /// A long list is read a page at a time, each as of its own moment.
  Result<std::vector<std::string>> list(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  Result<std::vector<std::string>> scan(std::string_view prefix,
                                        std::string_view after = {},
                                        std::size_t limit = 0) override;
  /// Until etcd compacts its revision away: next() is then kConflict.
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  std::string_view kind() const override { return "etcd"; }

  Result<Attempt> try_lead(const Candidate& candidate) override;
  Result<void> renew(std::uint64_t epoch) override;
  Result<void> release(std::uint64_t epoch) override;
  Result<std::optional<Leader>> leader() override;
  Result<void> commit_fenced(std::span<const Change> changes,
                             std::uint64_t epoch) override;
  Result<std::uint64_t> revision() override;
  std::unique_ptr<ChangeFeed> watch(std::uint64_t after) override;

 private:
  class Cursor;
  class Feed;
  class View;
  using CommitId = std::array<std::uint8_t, 16>;

  explicit EtcdStorage(EtcdOptions options);

  std::string key_of(std::string_view path) const {
    return entries_ + std::string(path);
  }
  /// One key as it is now; `answer` keeps what the entry views.
  Result<std::optional<EtcdEntry>> find(std::string_view key,
                                        std::string& answer,
                                        std::uint64_t at_revision = 0);
  Result<void> find_gate();
  Result<void> write(std::span<const Change> changes,
                     std::optional<std::uint64_t> epoch);
  Result<std::string> encode(std::span<const Change> changes,
                             std::optional<std::uint64_t> epoch,
                             const CommitId& id, std::uint64_t gate) const;
  Result<std::string> send(const std::string& message);
  /// What a transaction that was not applied says; ok: the gate had moved.
  Result<void> refused(const EtcdTxn& txn, std::optional<std::uint64_t> epoch,
                       std::uint64_t gate);
  Result<bool> settle(const CommitId& id, std::uint64_t since);
  Result<std::optional<EtcdEntry>> find_led(std::uint64_t epoch,
                                            std::string& answer);

  EtcdClient client_;
  std::string root_;     // "/bulla/"
  std::string entries_;  // root "e/", then the path
  std::string entries_end_;
  std::string head_;    // the newest commit's id
  std::string gate_;    // what commits depend on
  std::string leader_;  // who leads, under a lease
  std::string epoch_;   // put with each leadership
  std::atomic<std::uint64_t> gate_revision_{0};
  std::atomic<std::uint64_t> seen_revision_{0};
  Hook hook_;
};

}  // namespace bulla::storage
