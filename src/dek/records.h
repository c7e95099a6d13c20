#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::dek {

/// A record's body as it is stored: which DEK sealed it, and nonce(12) ‖
/// ciphertext ‖ tag(16).
struct SealedBody {
  std::string dek_id;
  std::string bytes;
};

/// What the engines that keep records see of the DEK registry. Any method, any
/// thread; neither waits for storage but for a DEK that was never used before.
class RecordCipher {
 public:
  virtual ~RecordCipher() = default;
  /// Seals with the active DEK of the scope; a scope without one gets its
  /// first. `place` (mount, path, version) is bound as associated data, with
  /// the DEK's id behind it.
  ///   kSealed           nothing is loaded.
  ///   kInvalidArgument  the scope cannot be one.
  ///   kInternal         a new DEK could not be audited.
  ///   …                 of storage, when the encryption cannot be counted.
  virtual Result<SealedBody> seal(std::string_view scope,
                                  std::string_view place, ByteView body) = 0;
  /// kInvalidArgument for an inactive DEK and kNotFound for one that is gone,
  /// both naming it; kCorrupt when it is not what was sealed.
  virtual Result<SecretBytes> open(std::string_view dek_id,
                                   std::string_view place, ByteView bytes) = 0;
};

/// One record under a DEK, as sys/encryption-keys/:id/usage shows it.
struct RecordUse {
  std::string record_id;  ///< UUID, for the record's whole life.
  std::string type;       ///< custom_metadata.type, else the mount's default.
  std::string name;       ///< Mount and path.
  std::uint64_t version = 0;
  Time created_at;
  Time updated_at;
};

/// How far one step of a re-encryption came.
struct ReencryptStep {
  std::uint64_t visited = 0;
  std::uint64_t reencrypted = 0;
  std::string cursor;  ///< Where the next step goes on; "": all is done.
};

/// A mount that keeps records, as the registry sees it. Any method, any
/// thread. All answer kSealed while sealed.
class RecordHolder {
 public:
  virtual ~RecordHolder() = default;
  virtual std::string scope() const = 0;
  /// Records of which at least one version is sealed by the DEK; in memory.
  virtual Result<std::uint64_t> uses(std::string_view dek_id) = 0;
  /// Those records in the order of their ids, behind `after`, of one type
  /// unless that is empty.
  virtual Result<std::vector<RecordUse>> list_uses(std::string_view dek_id,
                                                   std::string_view type,
                                                   std::string_view after,
                                                   std::size_t limit) = 0;
  /// Seals up to `limit` records anew that `dek_id` still seals, each in one
  /// commit that gives way to a writer who was there first; versions, times
  /// and ids stay.
  virtual Result<ReencryptStep> reencrypt(std::string_view dek_id,
                                          std::string_view cursor,
                                          std::size_t limit) = 0;
  /// Walks every record and every entry of the index: each disagreement, in
  /// words.
  virtual Result<std::vector<std::string>> check() = 0;
};

/// The mounts that keep records, by their uuid. Thread-safe.
class RecordHolders {
 public:
  void add(const std::string& mount_uuid, std::weak_ptr<RecordHolder> holder) {
    const std::lock_guard lock(mutex_);
    holders_[mount_uuid] = std::move(holder);
  }
  void remove(const std::string& mount_uuid) {
    const std::lock_guard lock(mutex_);
    holders_.erase(mount_uuid);
  }
  /// Those that are there, in the order of their uuids.
  std::vector<std::shared_ptr<RecordHolder>> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<RecordHolder>> list;
    for (const auto& [uuid, holder] : holders_) {
      if (auto there = holder.lock()) list.push_back(std::move(there));
    }
    return list;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<RecordHolder>> holders_;
};

}  // namespace bulla::dek
