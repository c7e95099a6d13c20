#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::kek {

/// The blob of a key that an HSM wrapped. Hostile when read.
/// docs/formats/seal.md.
struct Pkcs11Blob {
  enum class Mechanism : std::uint8_t { kAesGcm = 1, kRsaOaep = 2 };

  Mechanism mechanism = Mechanism::kAesGcm;
  Bytes iv;      ///< 12 to 16 bytes with AES-GCM, none with RSA-OAEP.
  Bytes sealed;  ///< With AES-GCM ciphertext ‖ tag(16).

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<Pkcs11Blob> parse(ByteView bytes);
};

}  // namespace bulla::kek
