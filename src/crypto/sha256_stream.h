#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulla::crypto {

/// SHA-256 of what comes piece by piece. One thread at a time.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();

  void update(ByteView bytes);
  /// The digest of all so far; more may follow.
  std::array<std::uint8_t, kSha256Bytes> digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulla::crypto
