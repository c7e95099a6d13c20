#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "seal/custody.h"
#include "seal/envelope.h"
#include "seal/former.h"
#include "seal/init_layout.h"
#include "seal/node_beat.h"
#include "seal/passkey.h"
#include "seal/seal_config.h"
#include "seal/seal_state.h"
#include "seal/share_collector.h"

namespace bulla::seal {

/// What the seal's own changes of an init are, and what it gives out.
struct InitPlan {
  SealConfig config;
  SecretBytes root_key;
  SecretBytes recovery_key;  ///< Empty without recovery shares.
  SecretBytes unseal_key;    ///< Of the shamir passkey; empty without one.
  std::vector<Passkey> passkeys;
  InitResult result;
};

struct Custody::Impl {
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::chrono::seconds kKekTimeout{30};
  /// Sealed by the barrier: the recovery key's check value.
  static constexpr std::string_view kRecoveryPath = "core/recovery-key";

  static kek::Deadline deadline() {
    return std::chrono::steady_clock::now() + kKekTimeout;
  }

  // custody_state.cc: what is stored, and changing it.
  /// Read anew, and remembered; absent: not initialised.
  Result<std::optional<SealState>> read_state();
  /// As read last, or read now when it never was.
  Result<std::shared_ptr<const SealState>> known_state();
  /// Read anew. kInvalidArgument "Vault is not initialized".
  Result<SealState> initialized_state();
  void remember(std::shared_ptr<const SealState> state);
  /// Commits `changes` with `next` as the seal configuration, all or nothing.
  /// Expects the configuration to be as `state` read it. When storage does not
  /// say whether it took them, it is asked.
  ///   kConflict     another change of the seal came first; nothing changed.
  ///   kUnavailable  storage cannot tell whether it took them.
  Result<void> commit(const SealState& state, const SealConfig& next,
                      std::vector<storage::Change> changes);
  /// A clone of the root key. kSealed while sealed.
  Result<SecretBytes> live_root();

  // custody_install.cc: the install record against the configuration.
  Result<void> check_install(const SealState& state) const;
  /// Null when none of that kind and name is configured.
  kek::KekProvider* provider(const ProviderId& id) const;

  // custody_wrap.cc: the root key in and out of a passkey.
  /// Wraps `root` for `passkey`: by its provider under the version that the
  /// configuration says, or under the copy of its KEK that the barrier keeps.
  ///   kNotFound  its provider is not configured, or no copy is there; and
  ///              what the provider says.
  Result<kek::WrappedKey> wrap_root(const SealConfig& config,
                                    const Passkey& passkey,
                                    const SecretBytes& root);
  /// Wraps `root` for the first passkey under `provider`, and gives its record.
  /// The version is the one that the provider used: one that asks elsewhere may
  /// know it only then.
  Result<SealConfig::Provider> wrap_first(kek::KekProvider& provider,
                                          const SealConfig& config,
                                          Passkey& passkey,
                                          const SecretBytes& root);
  /// The root key in `passkey`, by the same ways. kCorrupt when it is not the
  /// one that its check value is of.
  Result<SecretBytes> open_root(const SealConfig& config,
                                const Passkey& passkey);
  Result<SecretBytes> unwrap_with(kek::KekProvider& provider,
                                  const SealConfig& config,
                                  const Passkey& passkey);
  /// The root key in a passkey of the kind passphrase. Slow: Argon2id.
  ///   kInvalidArgument  not its passphrase.
  Result<SecretBytes> open_with_passphrase(const SealConfig& config,
                                           const Passkey& passkey,
                                           const SecretBytes& passphrase);
  /// The change that stores the copy of a people's passkey's KEK.
  Result<storage::Change> kek_copy(const Passkey& passkey,
                                   const SecretBytes& kek);

  // custody_rekey.cc
  Result<Passkey> moved(const SealState& state, const Passkey& passkey,
                        const KeyReplacement& replacement,
                        const SecretBytes& root);
  Result<void> add_former(const SealState& state, const SecretBytes& former,
                          const SecretBytes& root,
                          std::vector<storage::Change>& changes);
  Result<std::vector<storage::Change>> root_changes(
      const SealState& state, const KeyReplacement& replacement,
      const SecretBytes& from, const SecretBytes& root);
  Result<void> commit_root(const SealState& state,
                           std::vector<storage::Change> changes,
                           SecretBytes root);
  Result<std::vector<storage::Change>> recovery_changes(
      const SealConfig& before, const KeyReplacement& replacement);
  /// Finds out which root key is the one after a commit of unknown outcome.
  /// Under operation_mutex. kUnavailable: storage still does not say.
  Result<void> settle_root();
  /// The same, and then the root key of now. kSealed while sealed.
  Result<const SecretBytes*> settled_root();
  /// The same, taking operation_mutex.
  Result<void> settled();
  void note_former_made();

  // custody_authority.cc: see former.h.
  Result<std::optional<FormerUnseal>> former_unseal();
  Result<std::optional<FormerRecovery>> former_recovery();
  /// Whether this process keeps former shares since its own last rekey: they
  /// are for after its death, not for now.
  bool made_former();
  Result<void> check_unseal_key(const SecretBytes& key);
  Result<void> check_recovery_key(const SecretBytes& key);
  /// The passkey `held_id` was opened by shares: the other one of the last
  /// rekey goes. Errors are logged; both then stay.
  void settle_former(const std::string& held_id);
  void settle_recovery(const FormerRecovery* reverted);
  Result<void> drop_former();

  // custody_nodes.cc: the other nodes over this storage.
  /// Beats of other nodes; none where this process is the only one.
  Result<std::vector<NodeBeat>> other_nodes();
  bool is_live(const NodeBeat& beat) const;
  void forget_nodes();
  /// kInvalidArgument names a live node that has not loaded that version.
  Result<void> require_on_live_nodes(const ProviderId& id,
                                     kek::KekVersion version);

  // custody.cc
  void close();

  // custody_init.cc
  Result<InitPlan> plan(const InitParams& params);
  Result<void> plan_shamir(InitPlan& plan, const InitLayout& layout);
  Result<void> plan_automatic(InitPlan& plan);
  Passkey new_passkey(const SecretBytes& root, std::string_view kind,
                      std::string_view name) const;
  Result<std::vector<storage::Change>> changes_of(const InitPlan& plan);
  Result<void> write(const InitPlan& plan, std::vector<storage::Change> more);
  Result<void> settle(const InitPlan& plan, Error error);

  // custody_unseal.cc
  Result<bool> try_shares(const SealState& state, std::uint32_t most);
  Result<bool> open_with_unseal_key(const SealState& state,
                                    const SecretBytes& unseal_key);
  Result<Unlocked> unlock_with(const SealState& state,
                               kek::KekProvider& provider);
  Result<void> open(const StoredPasskey& stored, SecretBytes root);
  void refresh(const SealState& state, StoredPasskey stored,
               const SecretBytes& root);

  barrier::Barrier& barrier;
  std::vector<std::unique_ptr<kek::KekProvider>> providers;
  CustodyOptions options;
  crypto::Rng& rng;
  const Clock& clock;
  const Logger& log;

  /// One change of passkeys, root key or KEK versions at a time; may wait for
  /// a KEK. Taken before operation_mutex, never while that is held.
  std::mutex lifecycle_mutex;
  /// One init, unseal, seal or rotation at a time. Sealing waits for it, so
  /// that only init asks a KEK while holding it.
  std::mutex operation_mutex;
  SecretBytes root_key;  ///< Empty while sealed.
  /// Of a rekey whose commit may have been stored; under operation_mutex.
  SecretBytes unsettled_root;

  /// Held while a passphrase of a stranger is tried.
  std::mutex passphrase_mutex;

  /// Guards what status() shows; held for copies only.
  std::mutex state_mutex;
  std::shared_ptr<const SealState> known;
  ShareCollector shares;
  /// When this process last left former shares; under state_mutex.
  std::optional<Time> former_made;
  std::string node;  ///< This node's name, once it beats.

  /// Registered before the first request; then only read.
  std::vector<EnvelopeSource*> sources;
  std::vector<RootSealed*> root_sealed;
  std::unique_ptr<EnvelopeSource> passkey_source;
};

}  // namespace bulla::seal
