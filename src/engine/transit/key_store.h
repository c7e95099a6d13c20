#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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
  kRotate,  ///< The record and a new version.
  kTrim,    ///< The record; versions below min_available_version go.
};

/// The named keys of one mount: in storage, and those in use in memory.
///
/// Writes of one key follow one another, each a single commit that expects the
/// record as it was read; on a conflict it is read and edited again. Readers
/// hold snapshots and never wait for a writer. Any thread; whatever touches
/// storage blocks. Errors of storage and the barrier come back as they are.
class KeyStore {
 public:
  KeyStore(barrier::View storage, crypto::Rng& rng);

  /// The slot of that key; null when there is no such key.
  ///   kWouldBlock  it is not in memory, and !may_block.
  Result<std::shared_ptr<KeySlot>> find(std::string_view name, bool may_block);

  struct Created {
    std::shared_ptr<const Key> key;
    bool created = false;  ///< False: it was there already.
  };
  /// Makes `name` with version 1, unless it exists. Of `wanted` the name, the
  /// id, the versions and their times are not read.
  ///   kInvalidArgument  the name is too long.
  ///   kInternal         derived or convergent for a type that cannot.
  Result<Created> create(std::string_view name, const KeyRecord& wanted,
                         Time now);

  using Editor = std::function<Result<KeyEdit>(KeyRecord&)>;
  /// Lets `edit` change the record and stores what it asks for; runs it again
  /// after a conflict. Its error is returned as it is, with nothing stored.
  ///   kNotFound  no such key.
  Result<std::shared_ptr<const Key>> update(std::string_view name, Time now,
                                            const Editor& edit);

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

  /// Names greater than `after`, at most `limit` (0: all).
  Result<std::vector<std::string>> list(std::string_view after,
                                        std::size_t limit);
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

  Shard& shard_of(std::string_view name);
  static std::shared_ptr<KeySlot> lookup(Shard& shard, std::string_view name);
  std::shared_ptr<KeySlot> publish(Shard& shard, std::string_view name,
                                   std::shared_ptr<const Key> key);
  void forget(Shard& shard, std::string_view name);
  void evict(Shard& own, std::string_view spared);
  bool evict_from(Shard& shard, std::string_view spared);

  // Below, the shard's writer mutex is held.
  Result<std::optional<Stored>> read_record(std::string_view name) const;
  Result<std::shared_ptr<const KeyVersion>> read_version(
      const KeyRecord& record, std::uint32_t number) const;
  Result<std::shared_ptr<const Key>> load(const KeyRecord& record) const;
  Result<std::shared_ptr<const Key>> next_snapshot(
      Shard& shard, const KeyRecord& record,
      std::shared_ptr<const KeyVersion> added) const;
  VersionRecord fresh_version(const KeyRecord& record, Time now) const;
  Result<std::shared_ptr<const Key>> store_edit(Shard& shard, Stored stored,
                                                KeyEdit edit, Time now);
  Result<Created> create_locked(Shard& shard, std::string_view name,
                                const KeyRecord& wanted, Time now);
  Result<void> purge(std::string_view name) const;

  barrier::View storage_;
  crypto::Rng& rng_;
  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> capacity_{0};
};

}  // namespace bulla::engine::transit
