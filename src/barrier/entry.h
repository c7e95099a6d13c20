#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/aead.h"
#include "crypto/rng.h"

namespace bulla::barrier {

/// A stored value taken apart (docs/formats/barrier-entry.md):
/// be32(term) ‖ 0x02 ‖ nonce(12) ‖ ciphertext ‖ tag(16).
struct SealedEntry {
  static constexpr std::uint8_t kVersion = 2;
  static constexpr std::size_t kNonceBytes = 12;
  static constexpr std::size_t kHeaderBytes = 4 + 1 + kNonceBytes;
  static constexpr std::size_t kOverheadBytes =
      kHeaderBytes + crypto::kAeadTagBytes;

  std::uint32_t term = 0;
  ByteView nonce;       // kNonceBytes
  ByteView ciphertext;  // with its tag

  /// Views into `bytes`, which are hostile.
  ///   kCorrupt  truncated, or another version byte.
  static Result<SealedEntry> parse(ByteView bytes);
  Bytes serialise() const;
};

/// Seals `plaintext` for `path` under one key, with a random nonce.
Bytes seal_entry(const crypto::Aead& aead, std::uint32_t term,
                 std::string_view path, ByteView plaintext, crypto::Rng& rng);

/// Opens a parsed entry that was sealed for `path`.
///   kCorrupt  altered, moved from another path, or of another key.
Result<SecretBytes> open_entry(const crypto::Aead& aead, std::string_view path,
                               const SealedEntry& entry);

}  // namespace bulla::barrier
