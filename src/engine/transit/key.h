#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/asymmetric.h"
#include "crypto/cmac.h"
#include "crypto/hash.h"
#include "engine/transit/key_record.h"
#include "engine/transit/key_type.h"
#include "engine/transit/usage.h"
#include "engine/transit/version_tree.h"

namespace bulla::engine::transit {

/// One version of a key, ready for use. Immutable but for its counter; any
/// thread.
class KeyVersion {
 public:
  ///   kCorrupt    the material does not fit the key's type.
  ///   kExhausted  no secure memory left.
  static Result<std::shared_ptr<const KeyVersion>> make(const KeyRecord& key,
                                                        VersionRecord record);

  std::uint32_t number() const { return record_.number; }
  Time created() const { return record_.created; }
  std::uint32_t convergent_version() const {
    return record_.convergent_version;
  }
  /// "vault:v<number>:".
  const std::string& prefix() const { return prefix_; }
  /// The AEAD of the key itself; null for derived keys and other types.
  const crypto::Aead* aead() const { return aead_ ? &*aead_ : nullptr; }
  /// Null for other types than managed_key.
  const ManagedMaterial* managed() const {
    return std::get_if<ManagedMaterial>(&record_.material);
  }
  /// Null for other types than key pairs, and for versions of which only the
  /// public key was imported.
  const crypto::PrivateKey* private_key() const {
    return private_ ? &*private_ : nullptr;
  }
  /// Null for other types than key pairs and for managed keys that have two
  /// halves. Of a derived key, the pair it is derived from, which signs nothing
  /// itself: see derivation.h.
  const crypto::PublicKey* public_key() const {
    return public_ ? &*public_ : nullptr;
  }
  /// DER, leaf first; empty when none was set.
  const std::vector<Bytes>& certificates() const;
  /// Null for other types than aes*-cmac.
  const crypto::Cmac* cmac() const { return cmac_ ? &*cmac_ : nullptr; }

  /// The key of symmetric types and of `hmac`; for derived ed25519 keys the
  /// seed and the public key, 64 bytes. What keys are derived from. Empty for
  /// other key pairs.
  ByteView secret_key() const;
  /// The key of HMACs; empty when there is none.
  ByteView hmac_key() const;
  crypto::Digest hmac(crypto::HashAlgorithm algorithm, ByteView input) const;

  /// Takes up to `wanted` encryptions under this version before they are done;
  /// returns how many may be. 0: KeyStore::reserve() has to find room first.
  std::uint64_t take_operations(std::uint64_t wanted) const {
    Usage* usage = usage_.load(std::memory_order_acquire);
    return usage == nullptr ? 0 : usage->take(wanted);
  }
  /// Its count, for prefetching alone; null before it is counted.
  const Usage* usage() const { return usage_.load(std::memory_order_acquire); }
  void give_back_operations(std::uint64_t unused) const {
    usage_.load(std::memory_order_acquire)->give_back(unused);
  }
  /// Gives it its count, the same to all that stand for this version. Under
  /// the lock of the key's shard.
  void count_with(std::shared_ptr<Usage> usage) const;

 private:
  explicit KeyVersion(VersionRecord record);
  Result<void> open_symmetric(const KeyRecord& key, const KeyTypeInfo& type);
  Result<void> open_key_pair(const KeyRecord& key, const KeyTypeInfo& type);
  Result<void> open_managed(const KeyRecord& key);

  // Without the private half of a key pair, which is in private_ alone.
  VersionRecord record_;
  std::string prefix_;
  std::optional<crypto::Aead> aead_;
  std::optional<crypto::Cmac> cmac_;
  std::optional<crypto::PrivateKey> private_;
  std::optional<crypto::PublicKey> public_;
  SecretBytes ed25519_key_;  // seed ‖ public key, of derived keys
  std::optional<crypto::Hmac> hmac_sha256_;     // the usual algorithm, ready
  mutable std::atomic<Usage*> usage_{nullptr};  // that of usage_owner_
  mutable std::shared_ptr<Usage> usage_owner_;
};

/// Creation times as they became known, shared by all snapshots of one key, so
/// that showing a key of many versions loads none of their material. Any
/// thread.
class CreationTimes {
 public:
  std::optional<Time> get(std::uint32_t number) const;
  void set(std::uint32_t number, Time time);

 private:
  mutable std::mutex mutex_;
  std::vector<std::int64_t> nanos_;  // by number; kUnknown: not yet seen
};

/// A named key at one moment: its parameters and those of its versions that
/// are in memory, the latest always among them. Immutable; any thread.
class Key {
 public:
  Key(KeyRecord record, VersionTree versions,
      std::shared_ptr<CreationTimes> times);

  const KeyRecord& record() const { return record_; }
  const KeyTypeInfo& type() const { return *type_; }
  const KeyVersion& latest() const { return *latest_; }
  /// Null when that version is not in memory.
  const KeyVersion* loaded(std::uint32_t number) const {
    return number == record_.latest_version ? latest_ : versions_.find(number);
  }
  const VersionTree& versions() const { return versions_; }
  const std::shared_ptr<CreationTimes>& times() const { return times_; }

 private:
  KeyRecord record_;
  const KeyTypeInfo* type_;
  VersionTree versions_;
  const KeyVersion* latest_;  // inside versions_
  std::shared_ptr<CreationTimes> times_;
};

}  // namespace bulla::engine::transit
