#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::seal {

// The shares that a rekey replaced stay good until the new ones are surely out:
// a server that dies between storing the new ones and answering has told nobody
// what they are. Both records are sealed by the barrier, and gone seconds after
// the answer. docs/formats/seal.md.

/// Of an unseal key: the passkey that the former shares open, beside the one
/// that the present ones open.
struct FormerUnseal {
  static constexpr std::string_view kPath = "core/former-unseal-key";

  std::string former_id;
  std::string present_id;

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<FormerUnseal> parse(ByteView bytes);
  bool operator==(const FormerUnseal&) const = default;
};

/// Of a recovery key. All zero and empty: before this one there was none.
struct FormerRecovery {
  static constexpr std::string_view kPath = "core/former-recovery-key";
  static constexpr std::size_t kCheckBytes = 32;

  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
  Bytes check;  ///< check_value() of the former recovery key.

  bool none() const { return shares == 0; }

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<FormerRecovery> parse(ByteView bytes);
  bool operator==(const FormerRecovery&) const = default;
};

}  // namespace bulla::seal
