#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rng.h"
#include "kek/kek_provider.h"
#include "snapshot/check.h"

namespace bulla::snapshot {

/// What opens a snapshot: the passkey of that name, by its provider among
/// `providers`, by shares or by a passphrase.
struct Key {
  std::string passkey;
  std::vector<SecretBytes> shares;  ///< Raw bytes.
  SecretBytes passphrase;
};

struct Verified {
  Checked checked;
  PasskeyInfo passkey;       ///< What opened it.
  std::uint64_t opened = 0;  ///< Entries that the keyring opened, itself too.
  std::uint64_t clear = 0;   ///< Entries that lie outside the barrier.
};

/// What verify() uses of the world.
struct Tools {
  crypto::Rng& rng;
  const Clock& clock;
  const Logger& log;
};

/// Opens the snapshot in `file` as a server would that has only that passkey,
/// in memory, and every entry of it; writes nothing. Takes its time.
///   kNotFound         it has no passkey of that name; the message lists them.
///   kInvalidArgument  what was given is not of that passkey: no provider is
///                     configured for it, too few shares, a wrong passphrase.
///   kCorrupt          it does not hold, as check() says, or an entry does not
///                     open: the message names it.
///   and what the passkey's provider says.
Result<Verified> verify(
    const File& file, Key key,
    std::vector<std::unique_ptr<kek::KekProvider>> providers,
    const Tools& tools);

}  // namespace bulla::snapshot
