#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rng.h"

namespace bulla::crypto {

/// Shamir's secret sharing over GF(2^8) mod x^8+x^4+x^3+x+1, constant-time in
/// secret and shares: no tables, no secret-dependent branch. Share layout as
/// Vault's: y bytes ‖ one x byte, x distinct and random in 1..255.
/// (reference/seal.md §4)

/// Splits `secret` (≥ 1 byte) so that `threshold` of `shares` give it back.
///   kInvalidArgument  2 ≤ threshold ≤ shares ≤ 255 does not hold.
Result<std::vector<SecretBytes>> shamir_split(const SecretBytes& secret,
                                              std::size_t shares,
                                              std::size_t threshold, Rng& rng);

/// Interpolates at zero. Too few or foreign shares give a wrong secret, which
/// only its use detects.
///   kInvalidArgument  fewer than two parts, lengths differ, x repeated:
///                     Vault's texts.
Result<SecretBytes> shamir_combine(std::span<const SecretBytes> shares);

/// Products in GF(2^8), for tests and vectors.
std::uint8_t gf256_multiply(std::uint8_t a, std::uint8_t b);
std::uint8_t gf256_inverse(std::uint8_t a);

}  // namespace bulla::crypto
