#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// The costs of Argon2id (RFC 9106).
struct Argon2Cost {
  std::uint32_t memory_kib = 64 * 1024;
  std::uint32_t passes = 3;
  std::uint32_t lanes = 1;  ///< Each fills its part of the memory on a thread.

  bool operator==(const Argon2Cost&) const = default;
};

/// What Argon2id mixes in; `secret` and `associated_data` may be empty.
struct Argon2Input {
  ByteView password;
  ByteView salt;  ///< 8 bytes at least.
  ByteView secret;
  ByteView associated_data;
};

/// `size` bytes (4 at least) derived with Argon2id, version 0x13. Its memory
/// stays out of core dumps and is wiped. Takes a tenth of a second and more.
///   kInvalidArgument  lengths or costs that RFC 9106 does not allow.
///   kUnavailable      the memory or the threads are not to be had now.
Result<SecretBytes> argon2id(const Argon2Input& input, const Argon2Cost& cost,
                             std::size_t size);

}  // namespace bulla::crypto
