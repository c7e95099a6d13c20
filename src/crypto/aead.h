#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

enum class AeadAlgorithm : std::uint8_t {
  kAes128Gcm,          // NIST SP 800-38D, 96-bit nonce
  kAes256Gcm,          // NIST SP 800-38D, 96-bit nonce
  kChaCha20Poly1305,   // RFC 8439, 96-bit nonce
  kXChaCha20Poly1305,  // draft-irtf-cfrg-xchacha, 192-bit nonce
};

constexpr std::size_t kAeadTagBytes = 16;
constexpr std::size_t kAeadNonceBytesMax = 24;

std::size_t aead_key_bytes(AeadAlgorithm algorithm);
std::size_t aead_nonce_bytes(AeadAlgorithm algorithm);

/// A keyed AEAD: the expanded key sits in locked memory, is never changed, and
/// serves any number of threads at once without a lock. AES-GCM runs on
/// libipsec-mb where the CPU has AES-NI, on EVP otherwise.
class Aead {
 public:
  /// kInvalidArgument  the key is not aead_key_bytes() long.
  static Result<Aead> create(AeadAlgorithm algorithm, ByteView key);

  AeadAlgorithm algorithm() const { return algorithm_; }
  /// Where the expanded key lies, for prefetching alone.
  ByteView schedule() const { return schedule_.expose(); }
  std::size_t nonce_bytes() const { return aead_nonce_bytes(algorithm_); }

  /// Writes plaintext.size() + kAeadTagBytes bytes to `out` (ciphertext ‖ tag).
  /// `out` may be `plaintext`'s own memory but not otherwise overlap it.
  /// `nonce` must be nonce_bytes() long and unique under this key.
  void seal(ByteView nonce, ByteView associated_data, ByteView plaintext,
            std::uint8_t* out) const;

  /// Writes sealed.size() - kAeadTagBytes bytes to `out`; false, with `out`
  /// wiped, when the tag does not hold or `sealed` is shorter than a tag.
  [[nodiscard]] bool open(ByteView nonce, ByteView associated_data,
                          ByteView sealed, std::uint8_t* out) const;

 private:
  Aead(AeadAlgorithm algorithm, SecretBytes schedule)
      : algorithm_(algorithm), schedule_(std::move(schedule)) {}

  AeadAlgorithm algorithm_;
  SecretBytes schedule_;  // expanded key (GCM) or the raw key
};

}  // namespace bulla::crypto
