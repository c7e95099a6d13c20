#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/argon2.h"
#include "crypto/rng.h"
#include "kek/kek_provider.h"
#include "seal/authority.h"
#include "seal/seal_config.h"

namespace bulla::seal {

class KekVersions;
class Passkeys;
class Quorum;

struct InitResult {
  std::vector<SecretBytes> shares;           ///< Empty with an automatic seal.
  std::vector<SecretBytes> recovery_shares;  ///< Empty with Shamir.
};

/// The body of sys/init. Absent fields were not sent.
struct InitParams {
  std::optional<std::int64_t> secret_shares;
  std::optional<std::int64_t> secret_threshold;
  std::optional<std::int64_t> recovery_shares;
  std::optional<std::int64_t> recovery_threshold;
  /// Sees the shares before anything is stored; its error ends the init.
  std::function<Result<void>(const InitResult&)> before_commit = {};
};

struct SealStatus {
  /// The kind of the first automatic passkey's provider; without one "shamir",
  /// or "passphrase" where only that opens it.
  std::string type = "shamir";
  bool initialized = false;
  bool sealed = true;
  /// Of the recovery key; of the first shamir passkey where there is none, and
  /// while shares are being collected.
  std::int64_t threshold = 0;
  std::int64_t shares = 0;
  std::int64_t progress = 0;
  std::string nonce;  ///< "" outside an attempt.
  bool recovery_seal = false;
};

struct CustodyOptions {
  /// Stanzas that say disabled = true: known to be gone, and not missed.
  std::vector<ProviderId> disabled;
  /// No other process can have this storage open: other nodes' heartbeats are
  /// what is left of them.
  bool sole_node = false;
  /// Of passkeys of the kind passphrase that are added with a passphrase.
  crypto::Argon2Cost passphrase_cost = {};
};

/// A root key that a provider gave, not yet taken into use.
struct Unlocked {
  SecretBytes root_key;
  std::string passkey_id;
};

/// Root key custody: the passkeys that hold sealed copies of the root key, and
/// opening the barrier with one of them. Some open by people: shamir, whose KEK
/// is the combined shares, and passphrase; the others by providers. Records:
/// docs/formats/seal.md. Any thread.
class Custody {
 public:
  /// `providers` in order of priority; their kinds and names are unique. What
  /// is not in the install record is a candidate: it opens nothing until a
  /// passkey is added under it.
  Custody(barrier::Barrier& barrier,
          std::vector<std::unique_ptr<kek::KekProvider>> providers,
          crypto::Rng& rng, const Clock& clock, const Logger& log,
          CustodyOptions options = {});
  ~Custody();

  /// The passkeys (passkeys.h) and the KEKs behind them (kek_versions.h).
  Passkeys passkeys();
  KekVersions keks();
  /// The configured providers, in order of priority.
  std::vector<kek::KekProvider*> providers();

  /// Whether core/seal-config is stored.
  Result<bool> initialized();
  /// Holds the configured providers against the install record; writes nothing.
  /// Ok when not initialised. Every way of unsealing asks it, too. The rule is
  /// in docs/adr/0006-install-record.md.
  ///   kInvalidArgument  they disagree: names what is stored, what is
  ///                     configured and what to do.
  Result<void> check_install();
  Result<SealStatus> status();

  /// Makes root key, keyring and passkey; `more` (run with the barrier open on
  /// the new keyring) gives what else to store; all of it is one commit, so
  /// that a crash leaves nothing or everything. The barrier is open when this
  /// returns ok; on error it is sealed and nothing was written.
  ///   kInvalidArgument  "Vault is already initialized", or the texts of
  ///                     reference/sys.md §1.
  ///   kUnavailable      storage did not say whether it took the commit, nor
  ///                     when asked again.
  Result<InitResult> init(
      const InitParams& params,
      const std::function<Result<std::vector<storage::Change>>()>& more);

  /// Tries the providers in order. Absent: not initialised, or none of them is
  /// in the install record. May wait for every one of them, and holds up
  /// nothing meanwhile: people may unseal while a KMS does not answer.
  ///   kUnavailable / kCorrupt / …  what each provider said, the code of the
  ///                                last; kNotFound names the key it lacks.
  Result<std::optional<Unlocked>> unlock();
  /// Opens the barrier with that root key. Ok when it is open already.
  Result<void> take(Unlocked unlocked);
  /// unlock() and take(); true when the barrier is open.
  Result<bool> auto_unseal();
  /// Takes one share (raw bytes). True: the threshold of a shamir passkey was
  /// met, and the barrier is open. A repeated share changes nothing.
  ///   kInvalidArgument  the texts of reference/sys.md §1.
  Result<bool> submit_share(SecretBytes share);
  /// The root key from the passkey of that name, or of any ("") that a
  /// passphrase of people opens.
  ///   kInvalidArgument  not initialised, no such passkey, or not its
  ///                     passphrase.
  ///   kConflict         another passphrase is being tried: a derivation takes
  ///                     much memory, so that strangers get one at a time.
  Result<Unlocked> unlock_with_passphrase(const SecretBytes& passphrase,
                                          std::string_view name);
  /// Drops collected shares. kInvalidArgument "vault is unsealed".
  Result<void> reset_shares();
  /// Closes the barrier, wipes root key and shares. Waits for no KEK.
  void seal();
  /// What is stored was replaced: whatever is asked next reads it anew.
  void forget();

  /// A new keyring term (sys/rotate). kSealed while sealed.
  Result<void> rotate_keyring();

  /// Whose shares authorise a rekey or a new root token. kSealed while sealed.
  Result<Authority> authority();
  /// The key that `quorum` combines to, when it is the one that authorises;
  /// absent while more shares are needed. On an error `quorum` is empty.
  ///   kInvalidArgument  "unseal key verification failed: …", "recovery key
  ///                     verification failed: recovery key does not match
  ///                     submitted values".
  Result<std::optional<SecretBytes>> prove(Quorum& quorum,
                                           const Authority& authority);
  /// A new root key (and unseal key, where one is given): every passkey, the
  /// keyring and what add_root_sealed() named are sealed anew in one commit, so
  /// that a crash leaves the old keys or the new ones. May wait for KEKs.
  ///   kInvalidArgument  a passkey cannot take it now; the message names it.
  ///   kUnavailable      a KEK did not answer, or storage cannot tell whether
  ///                     it took the commit; the former shares are good then.
  ///   kConflict         another change of the seal came first.
  Result<void> replace_root(const KeyReplacement& replacement);
  /// A new recovery key, in one commit. Errors as replace_root().
  Result<void> replace_recovery(const KeyReplacement& replacement);
  /// Ends the time of the shares before the last rekey, when that was at least
  /// `grace` ago. They are kept after a rekey so that a server that dies before
  /// it answered can be opened with them. Ok when there is nothing to do, or
  /// another change is under way.
  Result<void> forget_former(Duration grace);
  /// Registered before the first request, and must outlive the last.
  void add_root_sealed(RootSealed& other);
  /// For what add_root_sealed() named. The entry at `path` of the barrier,
  /// opened under the root key that it is sealed under (root_seal.h).
  ///   kCorrupt  it is not what was sealed there.
  Result<std::optional<barrier::Entry>> get_under_root(std::string_view path);
  /// What to put there: expecting the version that was read, since a rekey may
  /// come in between.
  Result<Bytes> seal_under_root(std::string_view path, ByteView plaintext);
  /// At ShareBackup's paths; absent where there is none.
  Result<std::optional<ShareBackup>> share_backup(std::string_view path);
  Result<void> delete_share_backup(std::string_view path);

 private:
  friend class KekVersions;
  friend class Passkeys;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::seal
