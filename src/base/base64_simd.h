#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bulla {

/// One implementation of base64's bulk work. Both functions take as much of
/// the front of their input as they can and leave the rest, and every anomaly,
/// to the scalar code.
struct Base64Kernel {
  const char* name;
  /// Encodes whole triplets of `size` bytes to `out`, four characters each and
  /// no more. Returns the bytes taken, a multiple of 3.
  std::size_t (*encode)(const std::uint8_t* in, std::size_t size, char* out);
  /// Decodes whole quanta of the standard alphabet, three bytes each and no
  /// more. Returns the characters taken, a multiple of 4; stops at or before
  /// the first quantum that holds anything else.
  std::size_t (*decode)(const char* in, std::size_t size, std::uint8_t* out);
};

/// The kernels this processor runs, the fastest first; the last, which takes
/// nothing and so leaves all to the scalar code, is always there.
std::span<const Base64Kernel> base64_kernels();

/// base64_encode_to and base64_decode_to over a kernel of the caller's choice,
/// for tests. Sizes, results and errors as there; `error_at` gets the offset.
std::size_t base64_encode_with(const Base64Kernel& kernel,
                               std::span<const std::uint8_t> bytes, char* out);
bool base64_decode_with(const Base64Kernel& kernel, const char* text,
                        std::size_t size, std::uint8_t* out,
                        std::size_t& written, std::size_t& error_at);

}  // namespace bulla
