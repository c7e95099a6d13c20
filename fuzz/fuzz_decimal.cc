// Decimal numbers: what parses prints as the same digits; what is not digits
// serves as a number's bytes, which come back.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "crypto/decimal.h"

namespace crypto = bulla::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  if (const auto number = crypto::from_decimal(bulla::as_text(bytes))) {
    BULLA_ASSERT(crypto::to_decimal(number->expose()) == bulla::as_text(bytes));
    return 0;
  }
  if (size > crypto::kDecimalBytesMax) return 0;
  const auto again = crypto::from_decimal(crypto::to_decimal(bytes));
  const auto first =
      std::ranges::find_if(bytes, [](auto byte) { return byte != 0; });
  BULLA_ASSERT(
      again &&
      std::ranges::equal(again->expose(), bulla::ByteView(first, bytes.end())));
  return 0;
}
