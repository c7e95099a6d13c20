#include "crypto/shamir.h"

#include <array>
#include <utility>

#include "base/assert.h"

namespace bulla::crypto {
namespace {

constexpr std::size_t kSharesMax = 255;

// A uniform number below `bound`, which is 1 to 256.
std::size_t uniform_below(Rng& rng, std::size_t bound) {
  const std::size_t limit = 256 / bound * bound;
  std::uint8_t byte = 0;
  do {
    rng.fill({&byte, 1});
  } while (byte >= limit);
  return byte % bound;
}

// 1..255 in a random order (Fisher and Yates).
std::array<std::uint8_t, kSharesMax> random_points(Rng& rng) {
  std::array<std::uint8_t, kSharesMax> points{};
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = static_cast<std::uint8_t>(i + 1);
  }
  for (std::size_t i = points.size() - 1; i > 0; --i) {
    std::swap(points[i], points[uniform_below(rng, i + 1)]);
  }
  return points;
}

// The value at `x` of the polynomial whose coefficients of degree 1 and up lie
// `stride` apart, by Horner's rule; `constant` is that of degree 0.
std::uint8_t evaluate(ByteView coefficients, std::uint8_t constant,
                      std::size_t offset, std::size_t stride, std::uint8_t x) {
  std::uint8_t value = 0;
  for (std::size_t at = coefficients.size(); at > 0; at -= stride) {
    const std::uint8_t c = coefficients[at - stride + offset];
    value = gf256_multiply(value ^ c, x);
  }
  return value ^ constant;
}

Result<void> check_shares(std::span<const SecretBytes> shares) {
  if (shares.size() < 2) {
    return fail(invalid_argument(
        "less than two parts cannot be used to reconstruct the secret"));
  }
  const std::size_t size = shares[0].size();
  if (size < 2) {
    return fail(invalid_argument("parts must be at least two bytes"));
  }
  std::array<bool, 256> seen{};
  for (const SecretBytes& share : shares) {
    if (share.size() != size) {
      return fail(invalid_argument("all parts must be the same length"));
    }
    // Only where a share lies, not what it holds, is looked up here.
    if (std::exchange(seen[share.expose().back()], true)) {
      return fail(invalid_argument("duplicate part detected"));
    }
  }
  return {};
}

// Lagrange's basis polynomial of share `i`, at zero.
std::uint8_t weight_at_zero(std::span<const SecretBytes> shares,
                            std::size_t i) {
  const std::uint8_t x = shares[i].expose().back();
  std::uint8_t numerator = 1;
  std::uint8_t denominator = 1;
  for (std::size_t j = 0; j < shares.size(); ++j) {
    if (j == i) continue;
    const std::uint8_t other = shares[j].expose().back();
    numerator = gf256_multiply(numerator, other);
    denominator = gf256_multiply(denominator, x ^ other);
  }
  return gf256_multiply(numerator, gf256_inverse(denominator));
}

}  // namespace

std::uint8_t gf256_multiply(std::uint8_t a, std::uint8_t b) {
  std::uint32_t product = 0;
  std::uint32_t shifted = a;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= shifted & (0U - (b >> bit & 1U));
    shifted = (shifted << 1) ^ (0x11BU & (0U - (shifted >> 7 & 1U)));
  }
  return static_cast<std::uint8_t>(product);
}

std::uint8_t gf256_inverse(std::uint8_t a) {
  // a^254, since a^255 is 1; zero has no inverse and gives zero.
  std::uint8_t power = a;
  std::uint8_t result = 1;
  for (int i = 0; i < 7; ++i) {
    power = gf256_multiply(power, power);
    result = gf256_multiply(result, power);
  }
  return result;
}

Result<std::vector<SecretBytes>> shamir_split(const SecretBytes& secret,
                                              std::size_t shares,
                                              std::size_t threshold, Rng& rng) {
  BULLA_ASSERT(!secret.empty());
  if (threshold < 2 || shares < threshold || shares > kSharesMax) {
    return fail(invalid_argument(
        "a secret is split in 2 to 255 shares, with a threshold from 2 to "
        "their number"));
  }
  const std::size_t size = secret.size();
  const SecretBytes coefficients = rng.secret((threshold - 1) * size);
  const auto points = random_points(rng);
  std::vector<SecretBytes> made;
  made.reserve(shares);
  for (std::size_t i = 0; i < shares; ++i) {
    SecretBytes share(size + 1);
    const ByteSpan bytes = share.expose_mutable();
    for (std::size_t at = 0; at < size; ++at) {
      bytes[at] = evaluate(coefficients.expose(), secret.expose()[at], at, size,
                           points[i]);
    }
    bytes[size] = points[i];
    made.push_back(std::move(share));
  }
  return made;
}

Result<SecretBytes> shamir_combine(std::span<const SecretBytes> shares) {
  TRY(check_shares(shares));
  SecretBytes secret(shares[0].size() - 1);
  const ByteSpan out = secret.expose_mutable();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::uint8_t weight = weight_at_zero(shares, i);
    for (std::size_t at = 0; at < out.size(); ++at) {
      out[at] ^= gf256_multiply(weight, shares[i].expose()[at]);
    }
  }
  return secret;
}

}  // namespace bulla::crypto
