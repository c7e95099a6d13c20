#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// Whole numbers as decimal digits, the way Vault's backups write the numbers
/// of keys in JSON. Any thread.

/// As much as any number of an RSA-8192 key has.
constexpr std::size_t kDecimalBytesMax = 1024;
constexpr std::size_t kDecimalDigitsMax = 2467;

/// The digits of a big-endian number of up to kDecimalBytesMax bytes; "0" for
/// none.
std::string to_decimal(ByteView big_endian);
SecretBytes to_decimal_secret(ByteView big_endian);

/// A number, big-endian and without leading zeros: 0 is empty. Input is
/// hostile.
///   kInvalidArgument  anything but digits, a leading zero, or a number of more
///                     than kDecimalBytesMax bytes.
Result<SecretBytes> from_decimal(std::string_view digits);

}  // namespace bulla::crypto
