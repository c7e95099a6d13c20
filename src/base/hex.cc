#include <fmt/format.h>

#include <array>
#include <cstring>

#include "base/assert.h"
#include "base/encoding.h"

namespace bulla {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// The digit's value, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Both digits of every byte: one look-up and one store each.
constexpr auto kHexPairs = [] {
  std::array<char, 512> pairs{};
  for (std::size_t i = 0; i < 256; ++i) {
    pairs[2 * i] = kHexDigits[i >> 4];
    pairs[2 * i + 1] = kHexDigits[i & 15];
  }
  return pairs;
}();

void put_hex(char* out, std::uint8_t byte) {
  std::memcpy(out, &kHexPairs[2U * byte], 2);
}

}  // namespace

std::string hex_encode(ByteView bytes) {
  std::string text(bytes.size() * 2, '\0');
  hex_format(bytes, text.data());
  return text;
}

void hex_format(ByteView bytes, char* out) {
  for (const std::uint8_t byte : bytes) {
    put_hex(out, byte);
    out += 2;
  }
}

Result<Bytes> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) {
    return fail(invalid_argument("hexadecimal text has an odd length"));
  }
  Bytes bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return fail(invalid_argument(
          fmt::format("not a hexadecimal digit at or after byte {}", 2 * i)));
    }
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return bytes;
}

void uuid_format(std::span<const std::uint8_t, 16> random, char* out) {
  for (std::size_t i = 0; i < 16; ++i) {
    std::uint8_t byte = random[i];
    if (i == 6) byte = static_cast<std::uint8_t>((byte & 0x0F) | 0x40);
    if (i == 8) byte = static_cast<std::uint8_t>((byte & 0x3F) | 0x80);
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    put_hex(out, byte);
    out += 2;
  }
}

std::string base62_from(ByteView random, std::size_t n) {
  static constexpr std::string_view kAlphabet =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static constexpr std::uint8_t kUnbiased = 62 * 4;
  BULLA_ASSERT(random.size() / 2 >= n);
  std::string text;
  text.reserve(n);
  for (const std::uint8_t byte : random) {
    if (text.size() == n) break;
    if (byte < kUnbiased) text += kAlphabet[byte % 62];
  }
  return text;
}

}  // namespace bulla
