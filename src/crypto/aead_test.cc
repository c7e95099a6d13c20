#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/encoding.h"
#include "crypto/gcm.h"
#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

constexpr AeadAlgorithm kAll[] = {
    AeadAlgorithm::kAes128Gcm, AeadAlgorithm::kAes256Gcm,
    AeadAlgorithm::kChaCha20Poly1305, AeadAlgorithm::kXChaCha20Poly1305};

Bytes random_bytes(std::mt19937_64& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

Bytes sealed_by(const Aead& aead, ByteView nonce, ByteView aad,
                ByteView plaintext) {
  Bytes out(plaintext.size() + kAeadTagBytes);
  aead.seal(nonce, aad, plaintext, out.data());
  return out;
}

std::optional<Bytes> opened_by(const Aead& aead, ByteView nonce, ByteView aad,
                               ByteView sealed) {
  Bytes out(sealed.size() < kAeadTagBytes ? 0 : sealed.size() - kAeadTagBytes,
            0xEE);
  if (aead.open(nonce, aad, sealed, out.data())) return out;
  EXPECT_TRUE(std::ranges::all_of(out, [](auto b) { return b == 0; }))
      << "the output is wiped on failure";
  return std::nullopt;
}

Bytes counting_key(std::size_t size) {
  Bytes key(size);
  for (std::size_t i = 0; i < size; ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

TEST(Aead, RefusesKeysOfAnotherLength) {
  for (const auto algorithm : kAll) {
    for (const std::size_t size : {0U, 15U, 17U, 24U, 31U, 33U, 64U}) {
      const auto aead = Aead::create(algorithm, Bytes(size));
      ASSERT_FALSE(aead.has_value());
      EXPECT_EQ(aead.error().code(), ErrorCode::kInvalidArgument);
    }
  }
}

TEST(Aead, RoundTripsEveryLength) {
  std::mt19937_64 random(1);
  for (const auto algorithm : kAll) {
    const auto aead =
        Aead::create(algorithm, counting_key(aead_key_bytes(algorithm)));
    ASSERT_TRUE(aead.has_value());
    for (std::size_t size = 0; size <= 300; ++size) {
      const Bytes nonce = random_bytes(random, aead->nonce_bytes());
      const Bytes aad = random_bytes(random, size % 40);
      const Bytes plaintext = random_bytes(random, size);
      const Bytes sealed = sealed_by(*aead, nonce, aad, plaintext);
      EXPECT_EQ(opened_by(*aead, nonce, aad, sealed), plaintext);
    }
  }
}

TEST(Aead, EveryChangedBitFails) {
  for (const auto algorithm : kAll) {
    const auto aead =
        Aead::create(algorithm, counting_key(aead_key_bytes(algorithm)));
    Bytes nonce(aead->nonce_bytes(), 7);
    const Bytes aad = to_bytes("path");
    Bytes sealed = sealed_by(*aead, nonce, aad, as_bytes("plaintext of 20 b"));
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      sealed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_FALSE(opened_by(*aead, nonce, aad, sealed)) << bit;
      sealed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
    EXPECT_FALSE(opened_by(*aead, nonce, as_bytes("patH"), sealed));
    EXPECT_FALSE(opened_by(*aead, nonce, {}, sealed));
    for (std::size_t size = 0; size < sealed.size(); ++size) {
      EXPECT_FALSE(opened_by(*aead, nonce, aad, ByteView(sealed).first(size)));
    }
    nonce.back() ^= 1;
    EXPECT_FALSE(opened_by(*aead, nonce, aad, sealed));
  }
}

TEST(Aead, WorksInPlace) {
  for (const auto algorithm : kAll) {
    const auto aead =
        Aead::create(algorithm, counting_key(aead_key_bytes(algorithm)));
    const Bytes nonce(aead->nonce_bytes(), 1);
    for (const std::size_t size : {1U, 16U, 100U, 5000U}) {
      const Bytes plaintext(size, 0x42);
      Bytes buffer = plaintext;
      buffer.resize(size + kAeadTagBytes);
      aead->seal(nonce, {}, ByteView(buffer).first(size), buffer.data());
      EXPECT_EQ(buffer, sealed_by(*aead, nonce, {}, plaintext));
      ASSERT_TRUE(aead->open(nonce, {}, buffer, buffer.data()));
      EXPECT_TRUE(
          std::equal(plaintext.begin(), plaintext.end(), buffer.begin()));
    }
  }
}

TEST(Aead, OneKeyServesManyThreads) {
  const auto aead =
      Aead::create(AeadAlgorithm::kAes256Gcm, counting_key(32)).value();
  std::vector<std::thread> threads;
  for (std::uint8_t id = 0; id < 4; ++id) {
    threads.emplace_back([&aead, id] {
      const Bytes nonce(12, id);
      const Bytes plaintext(200, id);
      for (int i = 0; i < 500; ++i) {
        const Bytes sealed = sealed_by(aead, nonce, {}, plaintext);
        if (opened_by(aead, nonce, {}, sealed) != plaintext) std::abort();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

// reference/seal.md §2: the ciphertext and tag of a barrier entry.
TEST(Aead, BarrierVector) {
  const auto aead = Aead::create(AeadAlgorithm::kAes256Gcm, counting_key(32));
  EXPECT_EQ(hex_encode(sealed_by(*aead, Bytes(12), as_bytes("core/keyring"),
                                 as_bytes("{\"a\":1}"))),
            "759ed4fc8f1dfef327a79032542555c073b4c08cb449f9");
}

// reference/transit.md §14: ciphertexts under the key 00 01 … 1f.
TEST(Aead, TransitVectors) {
  const auto aes = Aead::create(AeadAlgorithm::kAes256Gcm, counting_key(32));
  const Bytes zero(24);
  const auto sealed = [&](const Aead& aead, std::string_view aad,
                          std::string_view plaintext) {
    const ByteView nonce = ByteView(zero).first(aead.nonce_bytes());
    Bytes out = to_bytes(nonce);
    const Bytes body =
        sealed_by(aead, nonce, as_bytes(aad), as_bytes(plaintext));
    out.insert(out.end(), body.begin(), body.end());
    return base64_encode(out);
  };
  EXPECT_EQ(sealed(*aes, "foo", "hello world"),
            "AAAAAAAAAAAAAAAAZtnZstoM9NJ6xM37CSR+ZzN7qB8ryPL732MS");
  EXPECT_EQ(sealed(*aes, "", ""), "AAAAAAAAAAAAAAAA8F12rkq5n+Wm9psxSMI2PQ==");
  const auto xchacha =
      Aead::create(AeadAlgorithm::kXChaCha20Poly1305, counting_key(32));
  EXPECT_EQ(
      sealed(*xchacha, "", "hello world"),
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/WPgq4OoknZk4hsE8/ujcMSSeBXbtjSljRU"
      "8");
}

// ---- the two backends of AES-GCM, each against the other ----

struct GcmResult {
  Bytes out;
  Bytes tag = Bytes(16);
  bool holds = true;
};

GcmResult gcm_with(GcmBackend backend, ByteView key, ByteView nonce,
                   ByteView aad, ByteView input, const Bytes* tag = nullptr) {
  const SecretBytes schedule = gcm_expand(backend, key);
  GcmResult result;
  result.out.resize(input.size());
  if (tag != nullptr) result.tag = *tag;
  const GcmMessage message{nonce.data(), aad, input, result.out.data(),
                           result.tag.data()};
  if (tag == nullptr) {
    gcm_seal(schedule, key.size() == 32, message);
  } else {
    result.holds = gcm_open(schedule, key.size() == 32, message);
  }
  return result;
}

TEST(Gcm, BackendsAgree) {
  if (!gcm_available(GcmBackend::kMultiBuffer)) {
    GTEST_SKIP() << "this processor has no AES-NI";
  }
  std::mt19937_64 random(2);
  for (std::size_t round = 0; round < 700; ++round) {
    const Bytes key = random_bytes(random, round % 2 == 0 ? 16 : 32);
    const Bytes nonce = random_bytes(random, 12);
    const Bytes aad = random_bytes(random, random() % 70);
    const Bytes text =
        random_bytes(random, round < 600 ? round : random() % 40'000);
    const auto fast = gcm_with(GcmBackend::kMultiBuffer, key, nonce, aad, text);
    const auto plain = gcm_with(GcmBackend::kEvp, key, nonce, aad, text);
    ASSERT_EQ(fast.out, plain.out) << round;
    ASSERT_EQ(fast.tag, plain.tag) << round;
    for (const auto backend : {GcmBackend::kMultiBuffer, GcmBackend::kEvp}) {
      const auto opened =
          gcm_with(backend, key, nonce, aad, plain.out, &plain.tag);
      ASSERT_TRUE(opened.holds);
      ASSERT_EQ(opened.out, text);
      Bytes forged = plain.tag;
      forged[round % 16] ^= static_cast<std::uint8_t>(1U << round % 8);
      ASSERT_FALSE(
          gcm_with(backend, key, nonce, aad, plain.out, &forged).holds);
    }
  }
}

TEST(Gcm, EvpIsAlwaysThere) {
  EXPECT_TRUE(gcm_available(GcmBackend::kEvp));
  EXPECT_TRUE(gcm_available(gcm_preferred()));
}

// ---- Wycheproof ----

// Checks one vector against `seal` and `open` of the same key.
template <typename Seal, typename Open>
void check_vector(const JsonElement& test, Seal seal, Open open) {
  const Bytes text = Wycheproof::hex(test, "msg");
  const Bytes aad = Wycheproof::hex(test, "aad");
  const Bytes nonce = Wycheproof::hex(test, "iv");
  Bytes sealed = Wycheproof::hex(test, "ct");
  const Bytes tag = Wycheproof::hex(test, "tag");
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  const auto id = Wycheproof::number(test, "tcId");
  const std::optional<Bytes> opened = open(nonce, aad, sealed);
  if (Wycheproof::valid(test)) {
    EXPECT_EQ(opened, text) << id;
    EXPECT_EQ(seal(nonce, aad, text), sealed) << id;
  } else {
    EXPECT_FALSE(opened.has_value()) << id;
  }
}

bool has_sizes(const JsonElement& group, std::int64_t nonce_bits) {
  return Wycheproof::number(group, "ivSize") == nonce_bits &&
         Wycheproof::number(group, "tagSize") == 128;
}

void check_file(const std::string& file, AeadAlgorithm algorithm) {
  Wycheproof vectors(file);
  BULLA_SKIP_WITHOUT(vectors);
  int checked = 0;
  vectors.each([&](const JsonElement& group, const JsonElement& test) {
    const Bytes key = Wycheproof::hex(test, "key");
    const auto bits =
        static_cast<std::int64_t>(aead_nonce_bytes(algorithm) * 8);
    if (!has_sizes(group, bits) || key.size() != aead_key_bytes(algorithm)) {
      return;
    }
    ++checked;
    const auto aead = Aead::create(algorithm, key).value();
    check_vector(
        test,
        [&](ByteView nonce, ByteView aad, ByteView text) {
          return sealed_by(aead, nonce, aad, text);
        },
        [&](ByteView nonce, ByteView aad, ByteView sealed) {
          return opened_by(aead, nonce, aad, sealed);
        });
  });
  EXPECT_GT(checked, 20);
}

TEST(Wycheproof, Aes128Gcm) {
  check_file("aes_gcm_test.json", AeadAlgorithm::kAes128Gcm);
}
TEST(Wycheproof, Aes256Gcm) {
  check_file("aes_gcm_test.json", AeadAlgorithm::kAes256Gcm);
}
TEST(Wycheproof, ChaCha20Poly1305) {
  check_file("chacha20_poly1305_test.json", AeadAlgorithm::kChaCha20Poly1305);
}
TEST(Wycheproof, XChaCha20Poly1305) {
  check_file("xchacha20_poly1305_test.json", AeadAlgorithm::kXChaCha20Poly1305);
}

TEST(Wycheproof, AesGcmOnEvp) {
  Wycheproof vectors("aes_gcm_test.json");
  BULLA_SKIP_WITHOUT(vectors);
  int checked = 0;
  vectors.each([&](const JsonElement& group, const JsonElement& test) {
    const Bytes key = Wycheproof::hex(test, "key");
    if (!has_sizes(group, 96) || key.size() == 24) return;
    ++checked;
    const auto run = [&](ByteView nonce, ByteView aad, ByteView input,
                         const Bytes* tag) {
      return gcm_with(GcmBackend::kEvp, key, nonce, aad, input, tag);
    };
    check_vector(
        test,
        [&](ByteView nonce, ByteView aad, ByteView text) {
          GcmResult result = run(nonce, aad, text, nullptr);
          result.out.insert(result.out.end(), result.tag.begin(),
                            result.tag.end());
          return result.out;
        },
        [&](ByteView nonce, ByteView aad,
            ByteView sealed) -> std::optional<Bytes> {
          const Bytes tag = to_bytes(sealed.last(16));
          GcmResult result =
              run(nonce, aad, sealed.first(sealed.size() - 16), &tag);
          if (!result.holds) return std::nullopt;
          return result.out;
        });
  });
  EXPECT_GT(checked, 40);
}

}  // namespace
}  // namespace bulla::crypto
