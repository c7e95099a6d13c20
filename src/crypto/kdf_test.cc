#include "crypto/kdf.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

Bytes counting_key(std::size_t size) {
  Bytes key(size);
  for (std::size_t i = 0; i < size; ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

std::string hex_of(const SecretBytes& secret) {
  return hex_encode(secret.expose());
}

// reference/transit.md §14.
TEST(Kdf, TransitVectors) {
  const SecretBytes derived =
      hkdf_sha256(counting_key(32), {}, as_bytes("my-context"), 64);
  EXPECT_EQ(hex_of(derived),
            "4a10e0dd7750402d5d67a8babd31aaaceee6a194780140dcb6bf3bcc29da533d"
            "ec02d160886b7bc2000b3e8b5a37b1634c2a53cbbf624b8874111dc86fd5e964");
  EXPECT_EQ(
      hex_of(hkdf_sha256(counting_key(16), {}, as_bytes("my-context"), 48)),
      "b14d2f40868a2256203e0a18cf005794"
      "7348e92aff568507ae115575f3261a9865880d7731cb499ea82b35b7fdf59c45");
  EXPECT_EQ(hex_of(hmac_counter_kdf(counting_key(32), as_bytes("my-context"))),
            "ccc7f29489db3c07f210b4e50bfe8b66a25a27c04c669500e3223ec9c2851788");
  const Digest nonce =
      hmac(HashAlgorithm::kSha2_256, derived.expose().subspan(32),
           as_bytes("hello world"));
  EXPECT_EQ(hex_encode(nonce.view().first(24)),
            "a81195b8760b53f2c6c73bd883ce6e14008d73c33ea78b3d");
}

TEST(Kdf, ShorterOutputsArePrefixes) {
  const Bytes key = counting_key(32);
  const std::string longest = hex_of(hkdf_sha256(key, {}, {}, 8160));
  for (const std::size_t length : {0U, 1U, 31U, 32U, 33U, 64U, 100U}) {
    EXPECT_EQ(hex_of(hkdf_sha256(key, {}, {}, length)),
              longest.substr(0, 2 * length));
  }
}

TEST(KdfDeathTest, MoreThan255BlocksIsABug) {
  EXPECT_DEATH(hkdf_sha256({}, {}, {}, 8161), "assertion failed");
}

TEST(Wycheproof, HkdfSha256) {
  Wycheproof vectors("hkdf_sha256_test.json");
  BULLA_SKIP_WITHOUT(vectors);
  int checked = 0;
  vectors.each([&](const JsonElement&, const JsonElement& test) {
    const auto size =
        static_cast<std::size_t>(Wycheproof::number(test, "size"));
    if (size > 8160) return;  // refused by contract: see the test above
    ++checked;
    const auto derived =
        hkdf_sha256(Wycheproof::hex(test, "ikm"), Wycheproof::hex(test, "salt"),
                    Wycheproof::hex(test, "info"), size);
    EXPECT_EQ(to_bytes(derived.expose()) == Wycheproof::hex(test, "okm"),
              Wycheproof::valid(test))
        << Wycheproof::number(test, "tcId");
  });
  EXPECT_GT(checked, 50);
}

}  // namespace
}  // namespace bulla::crypto
