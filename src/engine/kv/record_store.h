#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "barrier/barrier.h"
#include "crypto/rng.h"
#include "dek/records.h"
#include "engine/kv/record.h"
#include "engine/kv/usage_index.h"

namespace bulla::engine::kv {

using DekIds = std::map<std::uint64_t, std::string>;  ///< As of BodyDeks.

/// A record on its way to its next state.
struct Draft {
  Record record;
  bool exists = false;
  bool removed = false;  ///< Nothing is to be left of it.
  DekIds deks;  ///< Of versions that have a body; others may still be there.
  std::map<std::uint64_t, dek::SealedBody> bodies;  ///< New ones, by version.
};

/// A version as a reader gets it.
struct ReadVersion {
  Record record;
  std::uint64_t number = 0;
  std::optional<SecretBytes> body;  ///< Absent: deleted or destroyed.

  const Version& version() const { return record.versions.at(number); }
};

/// One step over the records of a DEK.
using ReencryptStep = dek::ReencryptStep;

/// The records of one mount (docs/formats/kv.md): metadata below `meta/`, one
/// entry a body below `body/` and one that lists what they are under, and below
/// `use/` which DEK seals which record. What changes together is one commit,
/// which expects what it changes as it was read. Any method, any thread; all
/// wait for storage.
///
/// Errors besides those named: of the barrier, of dek::RecordCipher (with the
/// record's path before them), kCorrupt with the path.
class RecordStore {
 public:
  /// Changed bodies that go into one commit; a change of more takes several,
  /// each of which leaves records and index in agreement.
  static constexpr std::size_t kBodiesMax = 48;
  static constexpr std::size_t kDataBytesMax = std::size_t{1} << 20;

  RecordStore(barrier::View storage, dek::RecordCipher& cipher,
              crypto::Rng& rng, std::string mount_uuid, std::string scope);

  const std::string& scope() const { return scope_; }
  UsageIndex& index() { return index_; }
  /// The longest path that storage takes.
  std::size_t path_bytes_max() const;

  Result<std::optional<Record>> find(std::string_view path) const;
  /// Version `number` (0: the current one), its body if it is readable at
  /// `now`; absent when there is no such record or version.
  Result<std::optional<ReadVersion>> read(std::string_view path,
                                          std::uint64_t number, Time now) const;
  /// Has `edit` change the record at `path`, and commits it when that answers
  /// true. Another writer in between makes it start anew, with a new draft.
  ///   kUnavailable  the outcome is unknown.
  ///   kConflict     too many others change the same record.
  using Edit = std::function<Result<bool>(Draft&)>;
  Result<void> change(std::string_view path, const Edit& edit);
  /// Seals `data` as that version of the draft's record.
  ///   kTooLarge  over kDataBytesMax.
  Result<void> seal(Draft& draft, std::uint64_t number, ByteView data) const;

  Result<std::vector<std::string>> list(std::string_view folder,
                                        std::string_view after,
                                        std::size_t limit) const;

  /// All paths below `folder`, without it, however deep; behind `after`, one
  /// such path.
  Result<std::vector<std::string>> scan(std::string_view folder,
                                        std::string_view after,
                                        std::size_t limit) const;

  Result<Settings> settings() const;
  /// Changes made at the same time all count.
  Result<void> change_settings(const std::function<void(Settings&)>& edit);

  /// Records that the DEK seals, in the order of their ids, behind `after`.
  struct Use {
    std::string record_id;
    std::string path;
  };
  Result<std::vector<Use>> uses(std::string_view dek_id, std::string_view after,
                                std::size_t limit) const;
  /// Their ids alone.
  Result<std::vector<std::string>> use_ids(std::string_view dek_id,
                                           std::string_view after,
                                           std::size_t limit) const;
  /// dek::RecordHolder::reencrypt, on several threads. Records that do not
  /// open are passed over; `damaged` gets what is wrong with each.
  Result<ReencryptStep> reencrypt(std::string_view dek_id,
                                  std::string_view cursor, std::size_t limit,
                                  std::vector<std::string>& damaged);
  /// dek::RecordHolder::check, but for the holder's name.
  Result<dek::CheckStep> check(std::string_view cursor, std::size_t limit);

 private:
  static constexpr std::size_t kStripes = 128;
  static constexpr int kAttemptsMax = 16;

  struct Loaded {
    std::optional<Record> record;
    std::uint64_t at = 0;  // storage's version; Change::kAbsent without one
    BodyDeks deks;
    std::uint64_t deks_at = 0;
  };
  struct LoadedDeks {
    BodyDeks deks;
    std::uint64_t at = 0;
  };
  // The changes of a commit, and the bytes that they point to.
  struct Batch {
    std::vector<barrier::Change> changes;
    std::vector<SecretBytes> values;
    std::size_t bytes = 0;
    std::vector<std::pair<DekSet, DekSet>> uses;  // before and after, a record

    void append(Batch other);
  };
  enum class Committed : std::uint8_t { kAll, kPart };

  Result<Loaded> load(std::string_view path) const;
  Result<Loaded> load_with_deks(std::string_view path) const;
  Result<std::optional<LoadedDeks>> load_deks(std::string_view id) const;

  // One version of a record.
  struct Place {
    std::string_view path;
    std::string_view record_id;
    std::uint64_t number = 0;
  };
  Result<std::optional<dek::SealedBody>> stored_body(const Place& place) const;
  Result<SecretBytes> open(const Place& place,
                           const dek::SealedBody& body) const;
  Result<dek::SealedBody> seal_body(const Place& place, ByteView data) const;
  Result<void> attempt(std::string_view path, const Edit& edit);
  Result<Committed> commit(const Loaded& old, const Draft& draft);
  Result<void> commit_part(const Loaded& old, const Draft& draft,
                           const std::vector<std::uint64_t>& dropped);
  static void add_change(Batch& batch, const Loaded& old, const Draft& draft);
  static void add_bodies(Batch& batch, const Loaded& old, const Draft& draft,
                         const DekIds& deks);
  static void add_uses(Batch& batch, std::string_view id, DekSet before,
                       DekSet after);
  static void add_put(Batch& batch, std::string path, SecretBytes value);
  Result<void> send(const Batch& batch);

  class Reencryption;
  struct Plan {
    Batch batch;  // empty: nothing to do
    bool more = false;
  };
  Result<Plan> plan_reencrypt(std::string_view id,
                              std::string_view dek_id) const;
  Result<dek::SealedBody> seal_anew(const Place& place,
                                    std::uint64_t deks_at) const;
  Result<bool> reencrypt_alone(std::string_view id, std::string_view dek_id);

  // What one look at an entry finds.
  struct Look;
  using LookAt = Result<void> (RecordStore::*)(const std::string& entry,
                                               Look& look);
  struct CheckPhase {
    std::string_view prefix;
    LookAt look_at;
    std::uint64_t dek::CheckStep::*count;  // null: of its entries none
  };
  static std::span<const CheckPhase> check_phases();
  Result<void> look_at_record(const std::string& entry, Look& look);
  Result<void> look_at_deks(const Record& record, const DekIds& ids,
                            Look& look);
  Result<void> look_at_version(const Place& place, const std::string& wanted,
                               Look& look);
  Result<void> look_at_use(const std::string& entry, Look& look);
  Result<void> look_at_body(const std::string& entry, Look& look);
  Result<bool> is_of_a_record(std::string_view id, const BodyDeks& deks) const;
  Result<Look> look_twice(LookAt look_at, const std::string& entry);
  Result<bool> check_phase(const CheckPhase& phase, std::string_view cursor,
                           std::size_t limit, dek::CheckStep& step);
  Result<void> check_counts(dek::CheckStep& step);

  barrier::View storage_;
  dek::RecordCipher& cipher_;
  crypto::Rng& rng_;
  const std::string uuid_;
  const std::string scope_;
  UsageIndex index_;
  // Writers of one record wait for each other, so that only a re-encryption
  // ever makes one start anew.
  std::array<std::mutex, kStripes> stripes_;
  std::mutex settings_mutex_;
};

/// Each DEK of `ids` once.
DekSet dek_set(const DekIds& ids);

}  // namespace bulla::engine::kv
