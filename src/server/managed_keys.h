#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/managed_keys.h"
#include "barrier/barrier.h"
#include "crypto/rng.h"
#include "kek/pkcs11_reserved.h"
#include "server/managed_key_record.h"

namespace bulla::server {

class Mounts;

/// What of managed keys the configuration says.
struct ManagedKeyRules {
  /// Of kms_library "pkcs11" stanzas, name to path.
  std::map<std::string, std::string> libraries;
  /// The tokens of `seal "pkcs11"` stanzas; may be null.
  std::shared_ptr<const kek::Pkcs11Reserved> reserved = nullptr;
};

/// The managed keys: records in the barrier, and the HSMs that have the keys.
/// Any thread. Errors of the barrier come back as they are.
class ManagedKeyStore final : public api::ManagedKeys {
 public:
  /// How long a request waits for an HSM.
  static constexpr std::chrono::seconds kDeviceTime{10};

  /// `mounts` may be used from load() on.
  ManagedKeyStore(barrier::View storage, ManagedKeyRules rules,
                  const Mounts& mounts, crypto::Rng& rng);
  ~ManagedKeyStore() override;

  /// After unseal. A record whose library is no longer configured is loaded,
  /// and says so when it is used.
  Result<void> load();
  /// At seal.
  void clear();

  struct Shown {
    std::string name;
    std::string id;
    std::map<std::string, std::string> parameters;
    bool any_mount = false;
    std::vector<std::string> usages;
  };
  /// Sorted.
  std::vector<std::string> list() const;
  std::optional<Shown> read(std::string_view name) const;

  /// What is absent stays as it is; an empty parameter is taken away.
  struct Change {
    std::map<std::string, std::string> parameters;
    std::optional<SecretBytes> pin;
    std::optional<bool> any_mount;
    std::optional<std::vector<std::string>> usages;
  };
  /// Makes or changes the managed key of that name. Where the HSM answers, its
  /// token is looked at now; nothing else is asked of it.
  ///   kInvalidArgument  what is wrong with it; the token is that of a seal; it
  ///                     would name another key while something uses it.
  Result<void> write(std::string_view name, Change change);
  /// Forgets the managed key; the HSM keeps what it has. A missing one is fine.
  ///   kInvalidArgument  a mount has keys that use it.
  Result<void> remove(std::string_view name);
  /// Signs random bytes and verifies what came.
  ///   kInvalidArgument  no such key, or it does not sign.
  Result<void> test_sign(std::string_view name,
                         const crypto::SignatureScheme& scheme);

  Result<api::FoundManagedKey> find(std::string_view mount_uuid,
                                    std::string_view name,
                                    std::string_view id) override;
  Result<void> check(const Use& use, api::KeyUsage usage) override;
  Result<Bytes> encrypt(const Use& use, ByteView plaintext,
                        ByteView associated_data) override;
  Result<SecretBytes> decrypt(const Use& use, ByteView sealed,
                              ByteView associated_data) override;
  Result<Bytes> sign(const Use& use, const crypto::SignatureScheme& scheme,
                     ByteView input) override;

 private:
  class Entry;
  using EntryPtr = std::shared_ptr<Entry>;

  EntryPtr make_entry(ManagedKeyRecord record) const;
  EntryPtr named(std::string_view name) const;
  EntryPtr of_id(std::string_view id) const;
  Result<EntryPtr> usable(const Use& use, api::KeyUsage usage) const;
  Result<void> check_mount(const ManagedKeyRecord& record,
                           std::string_view mount_uuid) const;
  /// kInvalidArgument  a mount uses it.
  Result<void> check_unused(const ManagedKeyRecord& record,
                            std::string_view what) const;
  void put(EntryPtr entry);

  const barrier::View storage_;
  const ManagedKeyRules rules_;
  const Mounts& mounts_;
  crypto::Rng& rng_;
  std::mutex writing_;  // one write or remove at a time
  /// Shared by those who are about to store an id, see FoundManagedKey::hold.
  /// Taken before entries_mutex_ and after writing_.
  std::shared_mutex holds_;
  mutable std::mutex entries_mutex_;
  std::map<std::string, EntryPtr, std::less<>> entries_;  // by name
};

}  // namespace bulla::server
