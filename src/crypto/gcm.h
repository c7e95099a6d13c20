#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// AES-GCM's two implementations behind Aead, which alone uses them, besides
/// the tests that hold one against the other.
enum class GcmBackend : std::uint8_t {
  kMultiBuffer,  ///< libipsec-mb: AES-NI, VAES
  kEvp,          ///< OpenSSL, on any processor
};

/// Whether this processor runs `backend`. kEvp always does.
bool gcm_available(GcmBackend backend);
/// The fastest available one.
GcmBackend gcm_preferred();

/// The keyed state of a 16- or 32-byte key, by the layout of `backend`.
/// Immutable once made; any thread. The backend must be available.
SecretBytes gcm_expand(GcmBackend backend, ByteView key);

struct GcmMessage {
  const std::uint8_t* nonce = nullptr;  ///< 12 bytes
  ByteView associated_data;
  ByteView input;               ///< plaintext or ciphertext without its tag
  std::uint8_t* out = nullptr;  ///< input.size() bytes; may be the input's own
  std::uint8_t* tag = nullptr;  ///< 16 bytes
};

/// Seals `message` and writes its tag. `aes256`: the key had 32 bytes.
void gcm_seal(const SecretBytes& schedule, bool aes256,
              const GcmMessage& message);
/// Opens it and reads its tag; false if that does not hold. `out` then holds
/// bytes that nobody may see: the caller wipes them.
[[nodiscard]] bool gcm_open(const SecretBytes& schedule, bool aes256,
                            const GcmMessage& message);

}  // namespace bulla::crypto
