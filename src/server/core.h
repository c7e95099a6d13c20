#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "audit/broker.h"
#include "auth/identity/identity_store.h"
#include "auth/policy_store.h"
#include "auth/token_store.h"
#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/rng.h"
#include "dek/reencryptor.h"
#include "dek/registry.h"
#include "seal/custody.h"
#include "seal/keyring_rotation.h"
#include "seal/provider_health.h"
#include "seal/rekey.h"
#include "server/config.h"
#include "server/lockout.h"
#include "server/managed_keys.h"
#include "server/metrics.h"
#include "server/mounts.h"
#include "server/own_actions.h"
#include "server/quotas.h"
#include "server/root_generation.h"
#include "server/snapshots.h"
#include "storage/staging.h"
#include "storage/storage.h"

namespace bulla::server {

/// What main.cc builds a core from; all must outlive it.
struct CoreParts {
  const ServerConfig& config;
  storage::Storage& storage;
  crypto::Rng& rng;
  const Clock& clock;
  const Logger& log;
  std::vector<std::unique_ptr<kek::KekProvider>> providers;
  std::vector<BackendFactory> engines;
  /// `providers` is not empty: init unseals by itself.
  bool automatic_seal = false;
  seal::CustodyOptions custody_options = {};
  /// How providers are watched, by name; those that are not named, as if
  /// nothing were said.
  std::map<std::string, seal::HealthOptions, std::less<>> health = {};
  /// Where snapshots lie on their way; "" for a temporary directory.
  std::string snapshot_directory = {};
  /// The tokens that seals use; null for none.
  std::shared_ptr<const kek::Pkcs11Reserved> seal_tokens = nullptr;
};

/// What sys/init answers.
struct Initialized {
  seal::InitResult keys;
  std::string root_token;
};

/// Sees what sys/init will answer before any of it is stored, and may refuse.
using HandOut = std::function<Result<void>(const seal::InitResult& keys,
                                           std::string_view root_token)>;

/// The server's parts and its life: initialise, unseal, seal. Any thread.
class Core {
 public:
  explicit Core(CoreParts parts);
  ~Core();

  /// Initialises storage and makes the root token. With an automatic seal the
  /// server is serving when this returns, with Shamir it is sealed.
  /// `root_token_id`: "" makes a random one (-dev-root-token-id sets it).
  /// `hand_out` (may be null) runs last before the commit.
  Result<Initialized> initialize(seal::InitParams params,
                                 const std::string& root_token_id = {},
                                 const HandOut& hand_out = {});
  /// Takes a share; true when the server is unsealed and serving now.
  Result<bool> unseal(SecretBytes share);
  /// The same with a passphrase; `passkey`: "" for any.
  Result<bool> unseal(const SecretBytes& passphrase, std::string_view passkey);
  /// At start and every few seconds while sealed with an automatic seal. Shares
  /// may unseal while it waits for a provider.
  Result<bool> auto_unseal();
  void seal();

  // restore.cc: replacing all that is stored by a snapshot.
  /// Checks the upload `id` and puts it in place. Afterwards the server is what
  /// was restored: sealed, or open where a configured seal opens it.
  ///   kInvalidArgument  it is no whole snapshot; or something is initialised
  ///                     here, and `force` was not said. Nothing was changed.
  ///   kUnavailable, …   of storage: the restore may be under way then, and
  ///   goes
  ///                     on at the next start.
  Result<snapshot::Checked> restore(const std::string& id, bool force);
  /// At start, before anything else: goes on with a restore that a crash
  /// interrupted, and removes what is left of others.
  ///   kInvalidArgument  it cannot go on: the message says what to do. Nothing
  ///                     is initialised then.
  Result<void> finish_restore();
  /// kConflict when an unfinished restore has all that it takes to go on.
  Result<void> check_restorable();
  Snapshots& snapshots() { return snapshots_; }

  /// Serving requests: unsealed and everything loaded.
  bool serving() const { return serving_.load(std::memory_order_acquire); }
  /// Sealed by sys/seal: it then stays so until shares or a restart open it.
  bool sealed_by_hand() const { return sealed_by_hand_.load(); }
  /// Raised at each seal, so that loops drop what they cached.
  std::uint64_t seal_epoch() const { return seal_epoch_.load(); }

  const ServerConfig& config() const { return parts_.config; }
  storage::Storage& storage() { return staging_; }
  crypto::Rng& rng() { return parts_.rng; }
  const Clock& clock() const { return parts_.clock; }
  const Logger& log() const { return parts_.log; }
  barrier::Barrier& barrier() { return barrier_; }
  seal::Custody& custody() { return custody_; }
  seal::Rekey& rekey(seal::RekeyTarget target) {
    return target == seal::RekeyTarget::kRoot ? root_rekey_ : recovery_rekey_;
  }
  seal::KeyringRotation& keyring_rotation() { return keyring_rotation_; }
  RootGeneration& root_generation() { return root_generation_; }
  auth::PolicyStore& policies() { return policies_; }
  auth::TokenStore& tokens() { return tokens_; }
  auth::IdentityStore& identity() { return identity_; }
  audit::Broker& audit() { return audit_; }
  dek::Registry& deks() { return deks_; }
  dek::RecordHolders& record_holders() { return record_holders_; }
  dek::Reencryptor& reencryptor() { return reencryptor_; }
  ManagedKeyStore& managed_keys() { return managed_keys_; }
  Mounts& mounts() { return mounts_; }
  Lockouts& lockouts() { return lockouts_; }
  Quotas& quotas() { return quotas_; }
  Metrics& metrics() { return metrics_; }
  seal::ProviderHealth& health() { return *health_; }
  /// What `token` and its entity may do.
  ///   kPermissionDenied  the entity is disabled.
  ///   kWouldBlock        !may_block and the entity must be read from storage.
  Result<std::shared_ptr<const auth::Acl>> acl_of(const api::Token& token,
                                                  bool may_block);
  /// The cluster's name and id; "" while sealed.
  std::string cluster_name() const;
  std::string cluster_id() const;
  Time started() const { return started_; }

  /// Work of about once a minute: ticks, expired tokens. On a pool thread.
  void tick();
  /// Work of every few seconds, cheap when there is nothing to do: rotating the
  /// keyring when it is due, ending the time of a rekey's former shares.
  void tend_keys();

 private:
  Result<void> post_unseal();
  Result<void> load_state();
  Result<void> load_cluster();
  /// What DEKs and their janitor do by themselves is audited as sys/ doing it.
  dek::Announce announcer();
  void pre_seal();
  Result<snapshot::Checked> replace_all(const snapshot::Checked& checked,
                                        const snapshot::Marker& marker);
  Result<void> finish_marked(const snapshot::Marker& marker);
  void forget_former_shares(Duration grace);
  Result<std::vector<storage::Change>> first_entries(
      const std::string& root_token_id, std::string& root_token);

  CoreParts parts_;
  Time started_;
  storage::StagingStorage staging_;
  barrier::Barrier barrier_;
  seal::Custody custody_;
  auth::PolicyStore policies_;
  auth::TokenStore tokens_;
  auth::IdentityStore identity_;
  seal::Rekey root_rekey_;
  seal::Rekey recovery_rekey_;
  seal::KeyringRotation keyring_rotation_;
  RootGeneration root_generation_;
  audit::Broker audit_;
  Metrics metrics_;
  OwnActions own_actions_;
  dek::RecordHolders record_holders_;
  dek::Registry deks_;
  dek::Reencryptor reencryptor_;
  ManagedKeyStore managed_keys_;
  Mounts mounts_;
  Lockouts lockouts_;
  Quotas quotas_;
  Snapshots snapshots_;
  std::unique_ptr<seal::ProviderHealth> health_;
  std::mutex life_mutex_;  // initialise, unseal, seal: one at a time
  std::atomic<bool> serving_{false};
  std::atomic<bool> sealed_by_hand_{false};
  std::atomic<std::uint64_t> seal_epoch_{1};
  mutable std::mutex cluster_mutex_;
  std::string cluster_name_;
  std::string cluster_id_;
};

}  // namespace bulla::server
