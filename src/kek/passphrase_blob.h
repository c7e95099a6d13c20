#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/argon2.h"

namespace bulla::kek {

/// The blob of a key that is wrapped under a passphrase: what Argon2id needs to
/// derive the KEK again, and what GcmKek sealed under it. Hostile when read:
/// the costs are bounded, so that no blob takes minutes or all memory.
/// docs/formats/seal.md.
struct PassphraseBlob {
  static constexpr std::size_t kSaltBytes = 16;
  static constexpr std::uint32_t kMemoryKibMin = 8;  ///< A lane.
  static constexpr std::uint32_t kMemoryKibMax = 1024 * 1024;
  static constexpr std::uint32_t kPassesMax = 64;
  static constexpr std::uint32_t kLanesMax = 16;
  /// Memory times passes: some seconds.
  static constexpr std::uint64_t kWorkKibMax = 4ULL * 1024 * 1024;

  crypto::Argon2Cost cost;
  Bytes salt;
  Bytes sealed;

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes, or costs that check() refuses.
  static Result<PassphraseBlob> parse(ByteView bytes);
  ///   kInvalidArgument  names the bound that is passed.
  static Result<void> check(const crypto::Argon2Cost& cost);
  /// The associated data of `sealed`: costs, salt and the caller's own.
  Bytes context(ByteView aad) const;
};

}  // namespace bulla::kek
