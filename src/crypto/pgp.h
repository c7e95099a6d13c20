#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::crypto {

/// Somebody's OpenPGP public key, to encrypt a share or a token to. Nothing is
/// fetched, kept in a keyring or asked of an agent. Any thread.
class PgpKey {
 public:
  static constexpr std::size_t kKeyBytesMax = std::size_t{256} << 10;

  /// `text`: standard base64 of one public key as `gpg --export` writes it (the
  /// form that Vault's API takes), or the armoured key itself. What it returns
  /// has encrypted a trial message, so that a key that cannot receive is
  /// refused before anything depends on it.
  ///   kInvalidArgument  no key, more than one, a damaged or expired one, or
  ///                     one that must not encrypt; says which.
  static Result<PgpKey> parse(std::string_view text);

  /// Of the primary key, lower-case hex.
  const std::string& fingerprint() const { return fingerprint_; }

  /// A binary OpenPGP message (AES-256, integrity-protected, uncompressed).
  ///   kInternal  the key does not take it any more: expired meanwhile.
  Result<Bytes> encrypt(ByteView plaintext) const;

 private:
  explicit PgpKey(Bytes key) : key_(std::move(key)) {}

  Bytes key_;
  std::string fingerprint_;
};

}  // namespace bulla::crypto
