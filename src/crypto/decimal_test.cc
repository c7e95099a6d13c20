#include "crypto/decimal.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>

#include <random>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

std::string hex_from(std::string_view digits) {
  const auto number = from_decimal(digits);
  return number ? hex_encode(number->expose()) : "refused";
}

TEST(Decimal, KnownNumbers) {
  const std::pair<std::string_view, std::string_view> known[] = {
      {"0", ""},
      {"1", "01"},
      {"255", "ff"},
      {"65537", "010001"},
      {"999999999", "3b9ac9ff"},
      {"1000000000", "3b9aca00"},
      {"4294967296", "0100000000"},
      {"18446744073709551616", "010000000000000000"},
      {"340282366920938463463374607431768211455",
       "ffffffffffffffffffffffffffffffff"}};
  for (const auto& [digits, hex] : known) {
    EXPECT_EQ(hex_from(digits), hex);
    EXPECT_EQ(to_decimal(hex_decode(hex).value()), digits);
  }
  EXPECT_EQ(to_decimal(Bytes{0, 0, 7}), "7");
}

TEST(Decimal, AgreesWithOpenSsl) {
  std::mt19937_64 random(1);
  for (std::size_t size = 1; size <= kDecimalBytesMax; size += 1 + size / 8) {
    Bytes number(size);
    for (auto& byte : number) byte = static_cast<std::uint8_t>(random());
    number[0] |= 1;
    BIGNUM* const big =
        BN_bin2bn(number.data(), static_cast<int>(size), nullptr);
    char* const digits = BN_bn2dec(big);
    EXPECT_EQ(to_decimal(number), digits);
    EXPECT_EQ(as_text(to_decimal_secret(number).expose()), digits);
    EXPECT_EQ(hex_from(digits), hex_encode(number));
    OPENSSL_free(digits);
    BN_free(big);
  }
}

TEST(Decimal, Refuses) {
  for (const std::string_view digits :
       {"", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "0x10", "a"}) {
    EXPECT_EQ(hex_from(digits), "refused") << digits;
  }
  EXPECT_EQ(hex_from(std::string(kDecimalDigitsMax + 1, '1')), "refused");
  EXPECT_EQ(hex_from(std::string(kDecimalDigitsMax, '9')), "refused");
  EXPECT_EQ(hex_from(to_decimal(Bytes(kDecimalBytesMax, 0xFF))),
            std::string(2 * kDecimalBytesMax, 'f'));
}

}  // namespace
}  // namespace bulla::crypto
