#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulla::crypto {

/// What hash.cc shares with hmac.cc and rsa.cc; nobody else uses it.

constexpr std::size_t kHashBlockBytesMax = 144;  // SHA3-224

/// OpenSSL's, fetched once a process.
const EVP_MD* message_digest(HashAlgorithm algorithm);

/// The block that HMAC pads its key to: the rate, for SHA-3.
std::size_t hash_block_bytes(HashAlgorithm algorithm);

/// The hash of `first` ‖ `second`, hash_bytes(algorithm) long, to `out`.
void hash_two_parts(HashAlgorithm algorithm, ByteView first, ByteView second,
                    std::uint8_t* out);
/// Clears what the last hash_two_parts left in this thread's context.
void hash_forget(HashAlgorithm algorithm);

}  // namespace bulla::crypto
