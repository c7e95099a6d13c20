#include "crypto/decimal.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/openssl.h"

namespace bulla::crypto {
namespace {

// The digits that fit in a limb at a time: 2³² · 10⁹ < 2⁶⁴.
constexpr std::size_t kGroupDigits = 9;
constexpr std::uint64_t kGroup = 1'000'000'000;
constexpr std::size_t kLimbBytes = 4;

// A number of 32-bit limbs, most significant first, in secret memory.
class Number {
 public:
  explicit Number(std::size_t limbs) : bytes_(limbs * kLimbBytes) {}
  explicit Number(ByteView big_endian)
      : Number((big_endian.size() + kLimbBytes - 1) / kLimbBytes) {
    const ByteSpan out = bytes_.expose_mutable();
    std::ranges::copy(
        big_endian, out.end() - static_cast<std::ptrdiff_t>(big_endian.size()));
  }

  // number = number · `factor` + `addend`, which must fit.
  void multiply_add(std::uint64_t factor, std::uint64_t addend) {
    std::uint64_t carry = addend;
    for (std::uint8_t* at = end(); at != begin();) {
      at -= kLimbBytes;
      carry += factor * get_be32(at);
      put_be32(at, static_cast<std::uint32_t>(carry));
      carry >>= 32;
    }
    BULLA_ASSERT(carry == 0);
  }

  // number = number / kGroup; returns the remainder.
  std::uint64_t divide_by_group() {
    std::uint64_t remainder = 0;
    for (std::uint8_t* at = begin(); at != end(); at += kLimbBytes) {
      const std::uint64_t part = remainder << 32 | get_be32(at);
      put_be32(at, static_cast<std::uint32_t>(part / kGroup));
      remainder = part % kGroup;
    }
    return remainder;
  }

  ByteView digits() const { return without_leading_zeros(bytes_.expose()); }

 private:
  std::uint8_t* begin() { return bytes_.expose_mutable().data(); }
  std::uint8_t* end() { return begin() + bytes_.size(); }

  SecretBytes bytes_;
};

bool is_decimal(std::string_view digits) {
  return !digits.empty() && digits.size() <= kDecimalDigitsMax &&
         (digits == "0" || digits[0] != '0') &&
         std::ranges::all_of(digits,
                             [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

SecretBytes to_decimal_secret(ByteView big_endian) {
  BULLA_ASSERT(big_endian.size() <= kDecimalBytesMax);
  Number number(big_endian);
  SecretBytes text(kDecimalDigitsMax + kGroupDigits);
  const ByteSpan out = text.expose_mutable();
  std::size_t at = out.size();
  while (!number.digits().empty()) {
    std::uint64_t group = number.divide_by_group();
    for (std::size_t i = 0; i < kGroupDigits; ++i, group /= 10) {
      out[--at] = static_cast<std::uint8_t>('0' + group % 10);
    }
  }
  while (at != out.size() && out[at] == '0') ++at;  // of the last group
  if (at == out.size()) out[--at] = '0';
  return SecretBytes::copy_of(out.subspan(at));
}

std::string to_decimal(ByteView big_endian) {
  return to_text(to_decimal_secret(big_endian).expose());
}

Result<SecretBytes> from_decimal(std::string_view digits) {
  if (!is_decimal(digits)) {
    return fail(invalid_argument("not a whole number in decimal digits"));
  }
  // Nine digits take less than one limb.
  Number number(digits.size() / kGroupDigits + 1);
  while (!digits.empty()) {
    const std::size_t count = std::min(digits.size(), kGroupDigits);
    std::uint64_t factor = 1;
    std::uint64_t group = 0;
    for (const char c : digits.substr(0, count)) {
      factor *= 10;
      group = group * 10 + static_cast<std::uint64_t>(c - '0');
    }
    number.multiply_add(factor, group);
    digits.remove_prefix(count);
  }
  if (number.digits().size() > kDecimalBytesMax) {
    return fail(invalid_argument("the number is too large"));
  }
  return SecretBytes::copy_of(number.digits());
}

}  // namespace bulla::crypto
