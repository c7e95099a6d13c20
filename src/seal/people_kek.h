#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rng.h"
#include "seal/passkey.h"

namespace bulla::seal {

/// Wraps `root` for a passkey that people open, under its KEK: the unseal key
/// that shares combine to.
///   kCorrupt          the passkey's record is not of its kind.
///   kInvalidArgument  the KEK is not 32 bytes long.
Result<kek::WrappedKey> wrap_with_people_kek(const SecretBytes& kek,
                                             const Passkey& passkey,
                                             const SecretBytes& root,
                                             ByteView context,
                                             crypto::Rng& rng);
///   kCorrupt  a wrong KEK, or altered bytes.
Result<SecretBytes> unwrap_with_people_kek(const SecretBytes& kek,
                                           const Passkey& passkey,
                                           ByteView context);

}  // namespace bulla::seal
