#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/managed_keys.h"
#include "barrier/barrier.h"
#include "base/published.h"
#include "base/result.h"
#include "crypto/rng.h"
#include "engine/transit/key.h"

namespace bulla::engine::transit {

/// Where the newest snapshot of one key is found. Null inside: the key was
/// deleted or put out of memory, and has to be looked up anew.
using KeySlot = Published<Key>;

/// Looks strings up by views of them.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <typename T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

/// What an edit of a key's record asks to be stored.
enum class KeyEdit : std::uint8_t {
  kNone,    ///< Nothing; the key stays as it is.
  kStore,   ///< The record.
  kRotate,  ///< The record and a fresh version.
  kTrim,    ///< The record; versions below min_available_version go.
};

/// Why a key is rotated without having been asked for.
enum class OwnRotation : std::uint8_t { kPeriod, kOperations };

/// What a key store takes from its mount.
struct KeyStoreRules {
  /// Keys of types that are not fips_allowed are neither made nor used.
  bool fips_mode = false;
  /// Told before a key is rotated by the server itself, as the record then is;
  /// its error keeps the key as it was. May be empty.
  std::function<Result<void>(const KeyRecord&, OwnRotation)> announce = {};
  /// Who has the keys of type managed_key, and what this mount is called there.
  api::ManagedKeys* managed = nullptr;
  std::string mount_uuid = {};
};

/// The named keys of one mount: in storage, and those in use in memory.
///
/// Writes of one key follow one another, each a single commit that expects the
/// record as it was read; on a conflict it is read and edited again. Readers
/// hold snapshots and never wait for a writer. Any thread; whatever touches
/// storage blocks. Errors of storage and the barrier come back as they are.
class KeyStore {
 public:
  KeyStore(barrier::View storage, crypto::Rng& rng, KeyStoreRules rules = {});

  /// The slot of that key; null when there is no such key.
  ///   kWouldBlock  it is not in memory, and !may_block.
  Result<std::shared_ptr<KeySlot>> find(std::string_view name, bool may_block);

  struct Created {
    std::shared_ptr<const Key> key;
    bool created = false;  ///< False: it was there already.
  };
  /// Makes `name` with version 1, unless it exists. Of `wanted` the name, the
  /// id, the versions and their times are not read. `given` is the material of
  /// version 1, when it is imported; otherwise it is made, which takes up to
  /// seconds for RSA and keeps nobody else waiting.
  ///   kInvalidArgument  the name is too long, or the type is not for FIPS
  ///   mode. kInternal         derived or convergent for a type that cannot.
  ///   kCorrupt          `given` is not of that type.
  Result<Created> create(std::string_view name, const KeyRecord& wanted,
                         Time now, std::optional<Material> given = {});

  using Editor = std::function<Result<KeyEdit>(KeyRecord&)>;
  /// Lets `edit` change the record and stores what it asks for; runs it again
  /// after a conflict, or when a key pair was made meanwhile. Its error is
  /// returned as it is, with nothing stored. A rotation that nobody asked for
  /// says why in `own`, and is announced.
  ///   kNotFound  no such key.
  ///   kInternal  kRotate of a key that may not be: check_rotation().
  ///   kInvalidArgument  kRotate of a type that FIPS mode does not allow.
  Result<std::shared_ptr<const Key>> update(
      std::string_view name, Time now, const Editor& edit,
      std::optional<OwnRotation> own = std::nullopt);

  using Check = std::function<Result<void>(KeyRecord&)>;
  /// Appends `given` as the next version, once `check` has looked at the
  /// record; it may change it. The key stays imported.
  ///   kNotFound  no such key.
  ///   kCorrupt   `given` is not of the key's type.
  Result<std::shared_ptr<const Key>> append_version(std::string_view name,
                                                    Time now, Material given,
                                                    const Check& check);

  using VersionEditor =
      std::function<Result<void>(const KeyRecord&, VersionRecord&)>;
  /// Lets `edit` change what is stored of one version: adds the private half
  /// of an imported public key, or sets certificates.
  ///   kNotFound         no such key.
  ///   kInvalidArgument  "no such key version".
  ///   kCorrupt          what `edit` made of it is not of the key's type.
  Result<std::shared_ptr<const Key>> update_version(std::string_view name,
                                                    std::uint32_t number,
                                                    const VersionEditor& edit);

  /// Stores a whole key as `record` and `versions` say; of the record the id is
  /// made anew, of the versions the key ids. `versions` are in order and all of
  /// them: from min_available_version, or 1, to latest_version. A crash leaves
  /// what was there before, or this key whole.
  ///   kInvalidArgument  the name is too long, versions are missing, or the
  ///                     type is not for FIPS mode.
  ///   kInternal         the name is taken, and !replace.
  ///   kCorrupt          a version is not of the key's type, or the record says
  ///                     what no record may.
  Result<std::shared_ptr<const Key>> restore(
      KeyRecord record, std::vector<VersionRecord> versions, bool replace);

  /// Deletes the key and, as far as it gets, its versions.
  ///   kNotFound         no such key.
  ///   kInvalidArgument  deletion is not allowed.
  Result<void> remove(std::string_view name);

  /// A version that is not in memory, from storage; it is kept for the next.
  ///   kInvalidArgument  "no such key version".
  Result<std::shared_ptr<const KeyVersion>> load_version(const Key& key,
                                                         std::uint32_t number);
  /// When that version was made. Reads storage at most once a version.
  Result<Time> creation_time(const Key& key, std::uint32_t number);
  using Visitor = std::function<Result<void>(const KeyVersion&)>;
  /// Shows `visit` the versions `first` to `last`, in order; those that are
  /// not in memory are read and not kept. Its error ends it.
  ///   kCorrupt  a version is missing: damaged, or trimmed meanwhile.
  Result<void> visit_versions(const Key& key, std::uint32_t first,
                              std::uint32_t last, const Visitor& visit) const;

  const KeyStoreRules& rules() const { return rules_; }
  /// This mount's use of the managed key that `version` is; of such versions
  /// only. It views both.
  api::ManagedKeys::Use use_of(const KeyVersion& version) const {
    return {rules_.mount_uuid, version.managed()->id};
  }
  /// Whether a version that may still be used is the managed key of that id.
  /// Reads the records of all keys.
  Result<bool> uses_managed_key(std::string_view id) const;
  /// Whether that key may be used at all.
  ///   kInvalidArgument  it is soft-deleted, or its type not for FIPS mode.
  Result<void> check_usable(const Key& key) const;
  /// Lets `version` encrypt more, as far as its limit allows, by storing a
  /// higher bound of its count; `wanted` is how many now. False: it has done
  /// all it may.
  ///   kInvalidArgument  "no such key version": deleted or trimmed meanwhile.
  Result<bool> reserve(const Key& key, const KeyVersion& version,
                       std::uint64_t wanted);
  /// Adds a version to a key whose latest version, as in `key`, has done all it
  /// may; nothing when somebody else has. The key as it is then.
  ///   kInvalidArgument  an imported key that does not allow rotation; deleted
  ///                     meanwhile.
  Result<std::shared_ptr<const Key>> rotate_used_up(const Key& key, Time now);
  /// Upper bounds of how often versions `first` to `last` encrypted.
  Result<std::vector<std::uint64_t>> operations(const Key& key,
                                                std::uint32_t first,
                                                std::uint32_t last);
  /// Stores counts that nobody holds any more, and bounds ahead for versions in
  /// use, so that they seldom wait.
  Result<void> tend_usage();
  /// Stores counts as they are, of so many versions as take seconds: before the
  /// seal.
  Result<void> close_usage();
  /// The highest count of a version in use, as of the last tend_usage().
  std::uint64_t highest_operations() const { return highest_.load(); }
  std::uint64_t limit_rotations() const { return limit_rotations_.load(); }

  /// Names greater than `after`, at most `limit` (0: all).
  Result<std::vector<std::string>> list(std::string_view after,
                                        std::size_t limit) const;
  /// Rotates each key that is past its auto_rotate_period, once. Returns how
  /// many; a key that fails does not keep the others.
  Result<std::size_t> rotate_due(Time now);
  /// Carries on deletions that a crash cut short.
  Result<void> finish_purges();

  /// The most keys kept in memory; 0: no bound.
  void set_capacity(std::size_t keys);
  std::size_t keys_in_memory() const { return count_.load(); }

 private:
  // Names are spread over shards; a shard's writer mutex is what makes writes
  // of one key follow one another. Lock order: writer before map.
  struct Shard {
    std::mutex writer;
    std::mutex map;
    TextMap<std::shared_ptr<KeySlot>> slots;
    UsageBook usage;  // under `writer`
  };
  static constexpr std::size_t kShards = 64;
  static constexpr int kAttemptsMax = 8;
  // Versions of one key in memory, and what is left when there are more.
  static constexpr std::size_t kLoadedMax = 4096;
  static constexpr std::uint32_t kLoadedKept = 1024;

  struct Stored {
    KeyRecord record;
    std::uint64_t entry_version = 0;
  };
  struct StoredVersion {
    VersionRecord record;
    std::uint64_t entry_version = 0;
  };
  using KeyPtr = std::shared_ptr<const Key>;
  using VersionPtr = std::shared_ptr<const KeyVersion>;

  Shard& shard_of(std::string_view name);
  static std::shared_ptr<KeySlot> lookup(Shard& shard, std::string_view name);
  std::shared_ptr<KeySlot> publish(Shard& shard, std::string_view name,
                                   KeyPtr key);
  void forget(Shard& shard, std::string_view name);
  void evict(Shard& own, std::string_view spared);
  bool evict_from(Shard& shard, std::string_view spared);

  Result<void> check_type(KeyType type) const;
  /// check_rotation(), and a type that may be made.
  Result<void> check_rotates(const KeyRecord& record) const;
  Result<StoredVersion> read_version_record(const KeyRecord& record,
                                            std::uint32_t number) const;
  Result<VersionPtr> read_version(const KeyRecord& record,
                                  std::uint32_t number) const;
  /// The record's latest version, of that material.
  VersionRecord new_version(const KeyRecord& record, Material material) const;

  // Below, the shard's writer mutex is held.
  Result<std::optional<Stored>> read_record(std::string_view name) const;
  Result<KeyPtr> load(const KeyRecord& record) const;
  Result<KeyPtr> next_snapshot(Shard& shard, const KeyRecord& record,
                               std::uint32_t changed, VersionPtr version) const;
  Result<KeyRecord> current_record(Shard& shard, const Key& key) const;
  /// `limit_before`: operations_limit() of what is stored.
  Result<KeyPtr> store_edit(Shard& shard, Stored stored, KeyEdit edit,
                            std::uint64_t limit_before);
  static void start_counting(Shard& shard, const KeyRecord& record,
                             const KeyVersion& version,
                             const UsageBook::Fresh& usage);
  Result<KeyPtr> store_version(Shard& shard, Stored stored, Time now,
                               Material material);
  Result<KeyPtr> store_changed_version(Shard& shard, const KeyRecord& record,
                                       StoredVersion version);
  Result<Created> create_locked(Shard& shard, std::string_view name,
                                const KeyRecord& wanted, Time now,
                                const Material& material);
  Result<void> write_versions(const KeyRecord& record,
                              const std::vector<VersionRecord>& versions) const;
  static barrier::Change purge_mark(std::string_view name);
  Result<void> sweep(const std::string& prefix, const std::string& kept,
                     const std::string& kept_from) const;
  Result<void> purge(std::string_view name) const;

  barrier::View storage_;
  crypto::Rng& rng_;
  const KeyStoreRules rules_;
  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> capacity_{0};
  std::atomic<std::uint64_t> highest_{0};
  std::atomic<std::uint64_t> limit_rotations_{0};
};

}  // namespace bulla::engine::transit
