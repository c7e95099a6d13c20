#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "crypto/asymmetric.h"
#include "crypto/key_fixtures_test.h"

// Each in a process of its own: the heap is made once, before anything else.
namespace bulla::crypto {
namespace {

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::_Exit(1);
}

// Bytes of the secure heap that `make`'s key takes.
template <typename Make>
std::size_t secure_bytes(Make make) {
  const std::size_t before = CRYPTO_secure_used();
  const auto key = make();
  check(key.has_value(), "no key");
  return CRYPTO_secure_used() - before;
}

void private_numbers_are_in_it() {
  check(start_secure_heap(std::size_t{256} << 10), "not locked");
  check(start_secure_heap(1), "the second call answers otherwise");
  SystemRng rng;
  const auto generate = [&](AsymmetricAlgorithm algorithm) {
    return secure_bytes(
        [&] { return PrivateKey::generate(algorithm, 2048, rng); });
  };
  // d, p, q, dp, dq, qinv; a scalar.
  check(generate(AsymmetricAlgorithm::kRsa) >= 256 + 5 * 128, "generated RSA");
  check(generate(AsymmetricAlgorithm::kEcdsaP256) >= 32, "generated P-256");
  check(generate(AsymmetricAlgorithm::kEcdsaP521) >= 66, "generated P-521");
  const auto decode = [](std::string_view base64) {
    return secure_bytes(
        [&] { return PrivateKey::from_pkcs8(fixtures::der(base64)); });
  };
  check(decode(fixtures::kRsaPkcs8) >= 256 + 5 * 128, "decoded RSA");
  check(decode(fixtures::kP256Pkcs8) >= 32, "decoded P-256");
  const std::size_t before = CRYPTO_secure_used();
  {
    const auto key = PrivateKey::from_pkcs8(fixtures::der(fixtures::kRsaPkcs8));
    static_cast<void>(key->sign({}, {}));
    static_cast<void>(key->pkcs8_der());
  }
  check(CRYPTO_secure_used() == before, "something is left behind");
  std::_Exit(0);
}

void exhaustion_is_an_error() {
  start_secure_heap(std::size_t{16} << 10);
  std::vector<PrivateKey> keys;
  for (int i = 0; i < 100; ++i) {
    auto key = PrivateKey::from_pkcs8(fixtures::der(fixtures::kRsaPkcs8));
    if (!key) {
      check(key.error().code() == ErrorCode::kExhausted, "another error");
      check(i > 0, "not even one key");
      break;
    }
    keys.push_back(*std::move(key));
  }
  check(keys.size() < 16, "the heap has no end");
  keys.clear();
  check(PrivateKey::from_pkcs8(fixtures::der(fixtures::kRsaPkcs8)).has_value(),
        "destroyed keys make no room");
  std::_Exit(0);
}

// How often `pattern` lies in the ordinary heap.
int count_in_heap(const SecretBytes& pattern) {
  std::FILE* const maps = std::fopen("/proc/self/maps", "r");
  check(maps != nullptr, "no maps");
  char line[512];
  int count = 0;
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    if (std::strstr(line, "[heap]") == nullptr) continue;
    char* end = nullptr;
    const std::uintptr_t from = std::strtoull(line, &end, 16);
    const std::uintptr_t to = std::strtoull(end + 1, nullptr, 16);
    const auto* at = reinterpret_cast<const char*>(from);
    const auto* const stop = reinterpret_cast<const char*>(to);
    while ((at = static_cast<const char*>(::memmem(
                at, static_cast<std::size_t>(stop - at),
                pattern.expose().data(), pattern.size()))) != nullptr) {
      ++count;
      ++at;
    }
  }
  std::fclose(maps);
  return count;
}

// How many pieces of `secret`, as it is or in native order, lie in the ordinary
// heap.
int pieces_in_heap(const SecretBytes& secret) {
  constexpr std::size_t kPiece = 16;
  SecretBytes native(secret.size());
  std::ranges::reverse_copy(secret.expose(), native.expose_mutable().begin());
  int count = 0;
  for (const ByteView order : {secret.expose(), native.expose()}) {
    for (std::size_t at = 0; at + kPiece <= order.size(); at += kPiece) {
      count += count_in_heap(SecretBytes::copy_of(order.subspan(at, kPiece)));
    }
  }
  return count;
}

// Holes of the size of an encoded key, so that what fills one for a while is
// not overwritten at once by something larger.
void make_holes() {
  std::vector<std::unique_ptr<Bytes>> holes;
  static std::vector<std::unique_ptr<Bytes>> between;
  for (std::size_t i = 0; i < 64; ++i) {
    holes.push_back(std::make_unique<Bytes>(1700 + i));
    between.push_back(std::make_unique<Bytes>(40));
  }
}

void decoding_leaves_nothing() {
  check(wipe_decoder_memory(), "too late");
  start_secure_heap(std::size_t{256} << 10);
  SystemRng rng;
  const auto made =
      PrivateKey::generate(AsymmetricAlgorithm::kRsa, 2048, rng).value();
  const RsaNumbers numbers = made.rsa_numbers();
  const auto pieces = [&] {
    return pieces_in_heap(numbers.d) + pieces_in_heap(numbers.p) +
           pieces_in_heap(numbers.q);
  };
  check(pieces() == 0, "generating left something");
  make_holes();
  const SecretBytes pkcs8 = made.pkcs8_der();
  static_cast<void>(made.pkcs8_pem());
  static_cast<void>(made.traditional_pem());
  check(pieces() == 0, "encoding left something");
  static_cast<void>(PrivateKey::from_pkcs8(pkcs8.expose()));
  check(pieces() == 0, "decoding left something");
  std::_Exit(0);
}

class SecureHeapDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(SecureHeapDeathTest, PrivateNumbersAreInIt) {
  EXPECT_EXIT(private_numbers_are_in_it(), testing::ExitedWithCode(0), "");
}

TEST_F(SecureHeapDeathTest, ExhaustionIsAnError) {
  EXPECT_EXIT(exhaustion_is_an_error(), testing::ExitedWithCode(0), "");
}

TEST_F(SecureHeapDeathTest, DecodingLeavesNothingInTheOrdinaryHeap) {
#ifdef BULLA_SANITIZED
  GTEST_SKIP() << "sanitizers have a heap of their own";
#endif
  EXPECT_EXIT(decoding_leaves_nothing(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace bulla::crypto
