#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/pgp.h"
#include "crypto/rng.h"
#include "seal/custody.h"
#include "seal/quorum.h"

namespace bulla::seal {

/// Which key a rekey replaces.
enum class RekeyTarget : std::uint8_t {
  kRoot,      ///< The root key, and with Shamir the unseal key.
  kRecovery,  ///< The recovery key.
};

/// The words of one family of endpoints (reference/sys.md §3), and what the
/// caller may know.
struct RekeyCaller {
  enum class Dialect : std::uint8_t { kRekey, kRotate };
  Dialect dialect = Dialect::kRekey;
  /// Has a valid token. Others are told no nonce: it is what proves, where no
  /// token is asked for, that they are of the operation.
  bool trusted = true;
  /// May cancel without the nonce at once (else only after kCancelGuard).
  bool cancels_freely = false;
  /// May make a first recovery key, which no share authorises.
  bool sudo = false;
};

struct RekeyParams {
  std::int64_t shares = 0;
  std::int64_t threshold = 0;
  std::vector<std::string> pgp_keys;  ///< As crypto::PgpKey::parse takes them.
  bool backup = false;
  bool require_verification = false;
  /// Verification asks for every new share instead of `threshold` of them.
  bool verify_all = false;
};

struct RekeyStatus {
  std::string nonce;
  bool started = false;
  std::uint32_t threshold = 0;  ///< Of the new key, as is `shares`.
  std::uint32_t shares = 0;
  std::size_t progress = 0;
  std::uint32_t required = 0;  ///< Of the present key.
  std::vector<std::string> fingerprints;
  bool backup = false;
  bool verification_required = false;
  bool verify_all = false;
  std::string verification_nonce;
};

struct VerifyStatus {
  std::string nonce;
  bool started = false;
  std::uint32_t threshold = 0;  ///< How many shares verification asks for.
  std::uint32_t shares = 0;
  std::size_t progress = 0;
  bool complete = false;  ///< The new key is in force.
};

/// What a completed rekey gives out, this once.
struct RekeyResult {
  std::string nonce;
  /// Shares, or OpenPGP messages of their hexadecimal where fingerprints are.
  std::vector<SecretBytes> shares;
  std::vector<std::string> fingerprints;
  bool backup = false;
  bool verification_required = false;
  bool verify_all = false;
  std::string verification_nonce;
};

/// One rekey at a time of one target: begun with the new numbers, carried by
/// the present shares, optionally proved by the new ones. State is in memory
/// only: sealing, or the end of the process, drops it and leaves the old key.
///
/// No share is spent by what fails: a wrong or failed completion sets the
/// progress back to 0, and operation, nonce and shares stay good. Any thread.
class Rekey {
 public:
  /// For so long after its beginning only who knows the nonce may cancel.
  static constexpr Seconds kCancelGuard{600};

  Rekey(Custody& custody, RekeyTarget target, crypto::Rng& rng,
        const Clock& clock)
      : custody_(custody), target_(target), rng_(rng), clock_(clock) {}

  Result<RekeyStatus> status(const RekeyCaller& caller);
  /// Begins. With the recovery target and no recovery key yet, it is made at
  /// once and the result is given; that needs sudo.
  ///   kInvalidArgument / kInternal  reference/sys.md §3.
  ///   kPermissionDenied             a first recovery key without sudo.
  Result<std::optional<RekeyResult>> begin(const RekeyParams& params,
                                           const RekeyCaller& caller);
  /// Takes one of the present shares; the result when it was the last.
  ///   kInvalidArgument  the texts of reference/sys.md §3.
  Result<std::optional<RekeyResult>> update(SecretBytes share,
                                            std::string_view nonce,
                                            const RekeyCaller& caller);
  /// Ok also when there is nothing to cancel.
  ///   kInvalidArgument  the nonce is wrong, or missing and needed.
  Result<void> cancel(std::string_view nonce, const RekeyCaller& caller);

  Result<VerifyStatus> verify_status(const RekeyCaller& caller);
  /// Takes one of the new shares; the last one puts the new key into force.
  Result<VerifyStatus> verify(SecretBytes share, std::string_view nonce,
                              const RekeyCaller& caller);
  /// Begins the verification anew under another nonce.
  Result<VerifyStatus> restart_verification(std::string_view nonce,
                                            const RekeyCaller& caller);
  /// Drops everything, at seal. Does not wait for a KEK that is being asked:
  /// what is under way then ends without effect and is dropped after.
  void clear();

 private:
  /// New key material that waits to be proved.
  struct Fresh {
    SecretBytes key;
    std::vector<SecretBytes> shares;
    std::vector<Bytes> messages;  ///< Of each share, with OpenPGP keys.
    std::string nonce;
    std::vector<std::size_t> proved;  ///< Indexes of shares, with verify_all.
    Quorum quorum;
  };
  struct Operation {
    std::string nonce;
    Time begun;
    std::uint32_t shares = 0;
    std::uint32_t threshold = 0;
    std::vector<crypto::PgpKey> pgp_keys;
    bool backup = false;
    bool require_verification = false;
    bool verify_all = false;
    Quorum quorum;
    std::optional<Fresh> fresh;

    std::uint32_t to_prove() const { return verify_all ? shares : threshold; }
    std::size_t proved() const {
      return verify_all ? fresh->proved.size() : fresh->quorum.size();
    }
  };

  /// Who may go on with this target. kInvalidArgument: there is no such key.
  Result<Authority> authority();
  Result<Operation> checked(const RekeyParams& params, const Authority& present,
                            const RekeyCaller& caller) const;
  Result<void> check_update(const SecretBytes& share, std::string_view nonce,
                            const RekeyCaller& caller) const;
  /// `former` authorised it; null where nothing did.
  Result<RekeyResult> complete(const SecretBytes* former);
  Result<Fresh> make_fresh() const;
  RekeyResult hand_out(const Fresh& fresh) const;
  Result<void> put_into_force(const Fresh& fresh, const SecretBytes* former);
  Result<void> check_verify_nonce(std::string_view nonce,
                                  const RekeyCaller& caller) const;
  Result<void> take_proof(SecretBytes share);
  Result<void> check_proof() const;
  VerifyStatus verify_status_of(const RekeyCaller& caller) const;

  // Holds the lock, and drops what clear() could not.
  class Turn {
   public:
    explicit Turn(Rekey& rekey) : rekey_(rekey), lock_(rekey.mutex_) { drop(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { drop(); }

   private:
    void drop() {
      if (rekey_.dropped_.exchange(false)) rekey_.operation_.reset();
    }
    Rekey& rekey_;
    std::lock_guard<std::mutex> lock_;
  };

  Custody& custody_;
  RekeyTarget target_;
  crypto::Rng& rng_;
  const Clock& clock_;
  std::mutex mutex_;
  std::atomic<bool> dropped_{false};
  std::optional<Operation> operation_;
};

}  // namespace bulla::seal
