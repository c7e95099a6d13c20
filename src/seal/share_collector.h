#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rng.h"

namespace bulla::seal {

/// The shares of one unseal attempt, in memory only. Not thread-safe.
class ShareCollector {
 public:
  static constexpr std::size_t kShareBytesMin = 16;
  static constexpr std::size_t kShareBytesMax = 33;

  ///   kInvalidArgument  "invalid key: key is shorter than minimum 16 bytes" or
  ///                     "… longer than maximum 33 bytes".
  static Result<void> check_length(const SecretBytes& share);

  /// Adds a share; one that is here already changes nothing. The first one
  /// begins an attempt under a new nonce.
  void add(SecretBytes share, crypto::Rng& rng);
  /// Gives the shares away and ends the attempt.
  std::vector<SecretBytes> take();
  void clear() { take(); }
  /// Copies of the shares; the attempt goes on.
  std::vector<SecretBytes> copy() const;

  std::size_t size() const { return shares_.size(); }
  /// A UUID; "" outside an attempt.
  const std::string& nonce() const { return nonce_; }

 private:
  std::vector<SecretBytes> shares_;
  std::string nonce_;
};

/// Splits `key`; with one share it is the key itself (reference/seal.md §4).
Result<std::vector<SecretBytes>> split_key(const SecretBytes& key,
                                           std::size_t shares,
                                           std::size_t threshold,
                                           crypto::Rng& rng);
/// The other way round; one share is the key itself.
///   kInvalidArgument  crypto::shamir_combine's texts.
Result<SecretBytes> combine_key(std::vector<SecretBytes> shares);

}  // namespace bulla::seal
