#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::seal {

/// New shares as they were encrypted to their holders' OpenPGP keys, kept for
/// a holder who lost the answer of a rekey (reference/sys.md §3, backup).
/// Stored as it is: whoever reads it needs a holder's private key. Hostile when
/// read. docs/formats/seal.md.
struct ShareBackup {
  static constexpr std::string_view kUnsealPath = "core/unseal-keys-backup";
  static constexpr std::string_view kRecoveryPath = "core/recovery-keys-backup";
  static constexpr std::size_t kMessageBytesMax = 8192;

  struct Share {
    std::string fingerprint;
    Bytes message;
    bool operator==(const Share&) const = default;
  };

  std::string nonce;  ///< Of the rekey that made them.
  std::vector<Share> shares;

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<ShareBackup> parse(ByteView bytes);
  bool operator==(const ShareBackup&) const = default;
};

}  // namespace bulla::seal
