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
#include "crypto/rng.h"
#include "kek/kek_provider.h"

namespace bulla::seal {

/// The body of sys/init. Absent fields were not sent.
struct InitParams {
  std::optional<std::int64_t> secret_shares;
  std::optional<std::int64_t> secret_threshold;
  std::optional<std::int64_t> recovery_shares;
  std::optional<std::int64_t> recovery_threshold;
};

struct InitResult {
  std::vector<SecretBytes> shares;           ///< Empty with an automatic seal.
  std::vector<SecretBytes> recovery_shares;  ///< Empty with Shamir.
};

struct SealStatus {
  std::string type = "shamir";
  bool initialized = false;
  bool sealed = true;
  std::int64_t threshold = 0;  ///< Of the recovery config with an auto seal.
  std::int64_t shares = 0;
  std::int64_t progress = 0;
  std::string nonce;  ///< "" outside an attempt.
  bool recovery_seal = false;
};

/// Root key custody: the passkeys that hold sealed copies of the root key, and
/// opening the barrier with one of them. Kinds now: the shamir passkey, whose
/// KEK is the combined shares, and providers that open by themselves. Records:
/// docs/formats/seal.md. Any thread.
class Custody {
 public:
  /// `providers` open by themselves, in order of priority; empty: Shamir.
  Custody(barrier::Barrier& barrier,
          std::vector<std::unique_ptr<kek::KekProvider>> providers,
          crypto::Rng& rng, const Clock& clock, const Logger& log);
  ~Custody();

  /// Whether core/seal-config is stored.
  Result<bool> initialized();
  /// Holds the configured providers against the install record; writes nothing.
  /// Ok when not initialised. auto_unseal() and submit_share() ask it, too.
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

  /// Tries the providers in order; true when one opened the barrier. False:
  /// not initialised, or no provider configured.
  ///   kUnavailable / kCorrupt / …  what the last provider said; kNotFound
  ///                                names the key it lacks.
  Result<bool> auto_unseal();
  /// Takes one share (raw bytes). True: the threshold was met and the barrier
  /// is open. A repeated share changes nothing.
  ///   kInvalidArgument  the texts of reference/sys.md §1.
  Result<bool> submit_share(SecretBytes share);
  /// Drops collected shares. kInvalidArgument "vault is unsealed".
  Result<void> reset_shares();
  /// Closes the barrier, wipes root key and shares.
  void seal();

  /// A new keyring term (sys/rotate). kSealed while sealed.
  Result<void> rotate_keyring();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::seal
