#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "seal/share_backup.h"
#include "storage/storage.h"

namespace bulla::seal {

/// Whose shares authorise a rekey or a new root token: those of the unseal key,
/// or of the recovery key where the seal opens by itself.
struct Authority {
  bool automatic = false;  ///< The seal opens by itself.
  bool recovery = false;   ///< The shares are the recovery key's.
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;  ///< 0: nobody holds any.
  /// Of the shares before a rekey whose answer may have got lost; 0: of none.
  std::uint32_t former_threshold = 0;
  /// The recovery key may have been told to nobody, and none was before it.
  bool unheard = false;
};

/// A new unseal key or recovery key.
struct KeyReplacement {
  const SecretBytes* key = nullptr;  ///< Null: only the root key is new.
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
  /// The key that authorised it; null where nothing did.
  const SecretBytes* former = nullptr;
  /// The new shares are known to be held. Otherwise the former ones stay good
  /// until forget_former().
  bool heard = false;
  const ShareBackup* backup = nullptr;
};

/// Something besides the keyring that is sealed under the root key itself. Few
/// entries: one with many keeps them under a key of its own, and only that one
/// under the root key, so that a rekey stays one commit. Any thread.
class RootSealed {
 public:
  static constexpr std::size_t kChangesMax = 16;
  virtual ~RootSealed() = default;
  /// The changes that seal its entries under `to` instead of `from`, each
  /// expecting the version that was read. They are committed with all else of
  /// the rekey, or not at all; it may be asked again.
  virtual Result<std::vector<storage::Change>> reseal(
      const SecretBytes& from, const SecretBytes& to) = 0;
};

}  // namespace bulla::seal
