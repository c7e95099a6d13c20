#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "auth/token_store.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/pgp.h"
#include "crypto/rng.h"
#include "seal/custody.h"
#include "seal/quorum.h"

namespace bulla::server {

/// One attempt at a time to make a root token by a quorum of shares
/// (reference/sys.md §2). The token leaves encoded: XORed with a one-time
/// password that only whoever began has, or encrypted to their OpenPGP key. In
/// memory only. Any thread.
class RootGeneration {
 public:
  /// "s." and 24 characters, as TokenStore makes them.
  static constexpr std::size_t kOtpBytes = 26;
  /// For so long only who knows the nonce, or has a token, may cancel.
  static constexpr Seconds kCancelGuard{600};

  struct Status {
    std::string nonce;
    bool started = false;
    std::size_t progress = 0;
    std::uint32_t required = 0;
    bool complete = false;
    std::string encoded_token;
    std::string fingerprint;
    std::string otp;  ///< Only from begin(), when it was made here.
  };

  RootGeneration(seal::Custody& custody, auth::TokenStore& tokens,
                 crypto::Rng& rng, const Clock& clock)
      : custody_(custody), tokens_(tokens), rng_(rng), clock_(clock) {}

  // `trusted`: the caller has a valid token. Others are told no nonce but their
  // own attempt's, since it is then what protects the attempt.

  Result<Status> status(bool trusted);
  /// `otp` wins over `pgp_key`; with neither a password is made.
  ///   kInvalidArgument  reference/sys.md §2.
  Result<Status> begin(std::string_view otp, std::string_view pgp_key);
  ///   kInvalidArgument  reference/sys.md §2. After wrong shares attempt, nonce
  ///                     and password stay, and the progress is 0.
  Result<Status> update(SecretBytes share, std::string_view nonce,
                        bool trusted);
  /// Ok also when there is nothing to cancel.
  Result<void> cancel(std::string_view nonce, bool trusted);
  /// Drops everything, at seal.
  void clear();

 private:
  struct Attempt {
    std::string nonce;
    Time begun;
    SecretBytes otp;
    std::optional<crypto::PgpKey> pgp_key;
    seal::Quorum quorum;
  };

  Result<Status> status_of(bool trusted);
  Result<std::string> encoded_token() const;

  seal::Custody& custody_;
  auth::TokenStore& tokens_;
  crypto::Rng& rng_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Attempt> attempt_;
};

}  // namespace bulla::server
