// Whether code that handles secrets branches on them or looks things up by
// them: memcheck is told that the secrets are undefined, and it reports every
// jump and every address that depends on undefined bytes. Run under valgrind
// with the name of a case; without valgrind the cases only compute.

#include <fmt/format.h>
#include <valgrind/memcheck.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/secret_bytes.h"
#include "crypto/hash.h"
#include "crypto/shamir.h"

namespace bulla {
namespace {

void poison(ByteView bytes) {
  VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size());
}

// From here on the bytes are public: results, compared with what is expected.
void publish(ByteView bytes) {
  VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size());
}

template <typename T>
T published(T value) {
  VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
  return value;
}

// Poisons the coefficients of the polynomials, which are drawn at once. The
// points, drawn byte by byte, are public: a share says at which one it lies.
class PoisonedRng final : public crypto::Rng {
 public:
  void fill(ByteSpan out) override {
    for (std::uint8_t& byte : out) byte = next_ = next_ * 137 + 41;
    if (out.size() > 1) poison(out);
  }

 private:
  std::uint8_t next_ = 7;
};

SecretBytes some_key(std::uint8_t first) {
  SecretBytes key(32);
  for (std::uint8_t& byte : key.expose_mutable()) byte = first++;
  return key;
}

void shamir() {
  const SecretBytes expected = some_key(1);
  const SecretBytes secret = expected.clone();
  poison(secret.expose());
  PoisonedRng rng;
  auto shares = crypto::shamir_split(secret, 5, 3, rng);
  BULLA_ASSERT(shares.has_value());
  // What a share holds is still secret; where it lies is not.
  for (const SecretBytes& share : *shares) {
    publish(share.expose().last(1));
    poison(share.expose().first(share.size() - 1));
  }
  const auto combined =
      crypto::shamir_combine(std::span(*shares).subspan(1, 3));
  BULLA_ASSERT(combined.has_value());
  publish(combined->expose());
  BULLA_ASSERT(*combined == expected);
}

void field() {
  for (unsigned a = 0; a < 256; ++a) {
    auto secret = static_cast<std::uint8_t>(a);
    VALGRIND_MAKE_MEM_UNDEFINED(&secret, 1);
    const auto inverse = crypto::gf256_inverse(secret);
    const auto product = published(crypto::gf256_multiply(secret, inverse));
    BULLA_ASSERT(product == (a == 0 ? 0 : 1));
  }
}

void equality() {
  const SecretBytes a = some_key(1);
  for (std::size_t differs = 0; differs <= 32; ++differs) {
    SecretBytes b = some_key(1);
    if (differs < 32) b.expose_mutable()[differs] ^= 0x80;
    poison(a.expose());
    poison(b.expose());
    const bool same = published(a == b);
    BULLA_ASSERT(same == (differs == 32));
  }
}

// A token is only ever hashed under a key; what is looked up is the hash.
void token_hash() {
  const SecretBytes key = some_key(9);
  poison(key.expose());
  std::string token = "s.0123456789abcdefghijklmn";
  poison(as_bytes(token));
  const crypto::Hmac hmac(crypto::HashAlgorithm::kSha2_256, key.expose());
  const crypto::Digest keyed = hmac.sign(as_bytes(token));
  publish(keyed.view());
  // The first look a thread takes at its own cache is by the plain hash.
  const auto plain = published(crypto::sha256(as_bytes(token)));
  BULLA_ASSERT(keyed.view().size() == plain.size());
}

// Shows that the others would be caught.
void leak() {
  const SecretBytes key = some_key(1);
  poison(key.expose());
  BULLA_ASSERT(key.expose()[3] == 4);
}

constexpr std::pair<std::string_view, void (*)()> kCases[] = {
    {"shamir", shamir},         {"field", field}, {"equality", equality},
    {"token_hash", token_hash}, {"leak", leak},
};

}  // namespace
}  // namespace bulla

int main(int argc, char** argv) {
  for (const auto& [name, run] : bulla::kCases) {
    if (argc != 2) {
      fmt::print("{}\n", name);
    } else if (name == argv[1]) {
      run();
      return 0;
    }
  }
  return argc == 2 ? 2 : 0;
}
