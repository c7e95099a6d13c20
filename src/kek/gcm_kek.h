#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/aead.h"
#include "crypto/rng.h"

namespace bulla::kek {

/// A KEK in this process's memory, as the providers without a device share it:
/// AES-256-GCM, the blob nonce(12) ‖ ciphertext ‖ tag(16). Immutable; any
/// thread.
class GcmKek {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kOverheadBytes = 28;

  ///   kInvalidArgument  the key is not kKeyBytes long.
  static Result<GcmKek> create(const SecretBytes& key);

  /// Tells keys apart and nothing else of them: the first 16 hexadecimal
  /// digits of HMAC-SHA256 of "bulla kek id 1" under the key.
  const std::string& fingerprint() const { return fingerprint_; }

  ///   kInvalidArgument  an empty key, or one whose blob would be too long.
  Result<Bytes> seal(const SecretBytes& key, ByteView aad,
                     crypto::Rng& rng) const;
  ///   kCorrupt  not what seal() gave for this key and this `aad`.
  Result<SecretBytes> open(ByteView blob, ByteView aad) const;

 private:
  GcmKek(std::string fingerprint, crypto::Aead aead)
      : fingerprint_(std::move(fingerprint)), aead_(std::move(aead)) {}

  std::string fingerprint_;
  crypto::Aead aead_;
};

}  // namespace bulla::kek
