#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla {

/// Standard base64 with padding (RFC 4648 §4), SIMD chosen at run time with a
/// scalar twin. Any thread.
constexpr std::size_t base64_encoded_size(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}
/// Writes base64_encoded_size(bytes.size()) characters to `out`.
/// Returns how many.
std::size_t base64_encode_to(ByteView bytes, char* out);
void base64_append(std::string& out, ByteView bytes);
std::string base64_encode(ByteView bytes);

/// At most this many bytes come from `chars` characters.
constexpr std::size_t base64_decoded_max(std::size_t chars) {
  return chars / 4 * 3 + 3;
}
/// Strict: padding required, no white space but CR and LF (which Go's decoder
/// skips), trailing bits ignored as Go does. Writes at most
/// base64_decoded_max(text.size()) bytes to `out`; returns how many.
///   kInvalidArgument  Go's text: "illegal base64 data at input byte N".
Result<std::size_t> base64_decode_to(std::string_view text, std::uint8_t* out);
Result<Bytes> base64_decode(std::string_view text);

/// URL-safe alphabet without padding (RFC 4648 §5), as JWS and tokens use it.
std::string base64url_encode(ByteView bytes);
Result<Bytes> base64url_decode(std::string_view text);

/// Lower-case hexadecimal. Decoding takes either case.
///   kInvalidArgument  an odd length, or not a digit.
std::string hex_encode(ByteView bytes);
/// Two digits a byte at `out`, nothing behind them.
void hex_format(ByteView bytes, char* out);
Result<Bytes> hex_decode(std::string_view text);

/// "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx" (RFC 9562 v4) from 16 random bytes,
/// written to `out` (36 characters).
void uuid_format(std::span<const std::uint8_t, 16> random, char* out);

/// `n` characters of 0-9A-Za-z from a uniform byte source: rejection sampling
/// over `random`; `random` must hold at least 2 * n bytes. Fewer characters
/// where it runs out (one short n in a thousand): Rng::base62 then draws again.
std::string base62_from(ByteView random, std::size_t n);

}  // namespace bulla
