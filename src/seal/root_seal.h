#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rng.h"

namespace bulla::seal {

// What stands under the root key itself, beside the keyring: sealed with
// AES-256-GCM in the layout of a barrier entry of term 1, with its path as
// associated data (docs/formats/barrier-entry.md). Whoever stores such an entry
// is a RootSealed (authority.h), so that a rekey takes it along.

/// `plaintext` for `path` under `root`.
///   kInvalidArgument  `root` is no root key.
Result<Bytes> seal_under(const SecretBytes& root, std::string_view path,
                         ByteView plaintext, crypto::Rng& rng);

/// What was sealed so; `sealed` is hostile.
///   kCorrupt  altered, moved from another path, or of another root key.
Result<SecretBytes> open_under(const SecretBytes& root, std::string_view path,
                               ByteView sealed);

}  // namespace bulla::seal
