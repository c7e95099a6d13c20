#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/argon2.h"
#include "crypto/rng.h"
#include "seal/passkey.h"

namespace bulla::seal {

/// The KEK of a passkey that people open is 32 bytes: the unseal key that
/// shares combine to, or what Argon2id derives from a passphrase with the salt
/// and the costs in the passkey's blob.

/// A passkey's KEK and the root key wrapped under it.
struct PeopleWrap {
  SecretBytes kek;
  kek::WrappedKey wrapped;
};

/// Wraps `root` under a KEK derived from a passphrase with a new salt. Takes a
/// tenth of a second and more, and `cost`'s memory.
///   kInvalidArgument  costs that are out of bounds.
///   kUnavailable      the memory is not to be had now.
Result<PeopleWrap> wrap_under_passphrase(const SecretBytes& passphrase,
                                         const crypto::Argon2Cost& cost,
                                         const SecretBytes& root,
                                         ByteView context, crypto::Rng& rng);
/// The KEK that a passphrase gives for that passkey; as slow.
///   kCorrupt      the passkey's blob is not of a passphrase.
///   kUnavailable  the memory is not to be had now.
Result<SecretBytes> passphrase_kek(const SecretBytes& passphrase,
                                   const Passkey& passkey);

/// Wraps `root` anew under the KEK that `passkey` has.
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
