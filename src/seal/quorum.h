#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::seal {

/// Shares that were given towards one operation, in memory only. Unlike
/// unsealing, every other operation refuses a repeated share aloud. Not
/// thread-safe.
class Quorum {
 public:
  /// False: this very share is here already, and nothing changed.
  bool add(SecretBytes share);
  std::size_t size() const { return shares_.size(); }
  /// What the shares combine to; a single one is the key itself.
  ///   kInvalidArgument  crypto::shamir_combine's texts.
  Result<SecretBytes> combine() const;
  void clear() { shares_.clear(); }

 private:
  std::vector<SecretBytes> shares_;
};

/// A share's length, for everything but unsealing.
///   kInvalidArgument  "key is shorter than minimum 16 bytes", "key is longer
///                     than maximum 33 bytes".
Result<void> check_share_length(const SecretBytes& share);

/// What is wrong with a split of a key (reference/sys.md §1), "" when nothing.
std::string_view split_fault(std::int64_t shares, std::int64_t threshold);

}  // namespace bulla::seal
