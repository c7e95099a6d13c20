#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::crypto {

constexpr std::size_t kCmacBytes = 16;
using CmacTag = std::array<std::uint8_t, kCmacBytes>;

/// A keyed AES-CMAC (RFC 4493, NIST SP 800-38B). Key and subkeys are in locked
/// memory. Immutable; any thread.
class Cmac {
 public:
  /// kInvalidArgument  `key` is not 16, 24 or 32 bytes long.
  static Result<Cmac> create(ByteView key);
  Cmac(Cmac&&) noexcept;
  Cmac& operator=(Cmac&&) noexcept;
  ~Cmac();

  CmacTag sign(ByteView data) const;

 private:
  struct State;
  explicit Cmac(State* state) : state_(state) {}
  State* state_;
};

}  // namespace bulla::crypto
