#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/asymmetric.h"

namespace bulla::engine::transit {

class Key;
class KeyVersion;
struct KeyRecord;

/// Keys derived from a version and a request's context, for keys made with
/// derived=true (reference/transit.md §5.2). Pure functions; any thread.

/// `length` bytes by HKDF-SHA256; by the counter mode of legacy and imported
/// keys 32 at most, however many are asked for. `context` is decoded.
SecretBytes derive_bytes(const KeyRecord& key, const KeyVersion& version,
                         ByteView context, std::size_t length);

/// "missing 'context' for key derivation; …" where there is none.
Result<void> require_context(ByteView context);

/// The Ed25519 key pair of a context.
///   kInvalidArgument  no context; a version without its private half.
Result<crypto::PrivateKey> derive_ed25519(const Key& key,
                                          const KeyVersion& version,
                                          ByteView context);

/// Seed and public key, 64 bytes: how the reference's servers keep, derive
/// from, export and back up an Ed25519 key.
SecretBytes ed25519_bytes(const crypto::PrivateKey& key);

}  // namespace bulla::engine::transit
