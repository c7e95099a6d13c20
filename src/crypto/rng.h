#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// A source of cryptographically secure random bytes. Any thread.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(ByteSpan out) = 0;

  SecretBytes secret(std::size_t size) {
    SecretBytes bytes(size);
    fill(bytes.expose_mutable());
    return bytes;
  }
  /// A random UUID (RFC 9562 version 4), 36 characters.
  std::string uuid();
  /// `n` uniform characters of 0-9A-Za-z.
  std::string base62(std::size_t n);
};

/// OpenSSL's generator behind a buffer a thread, wiped as it is consumed and
/// discarded after fork.
class SystemRng final : public Rng {
 public:
  void fill(ByteSpan out) override;
};

}  // namespace bulla::crypto
