#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/encoding.h"
#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

constexpr HashAlgorithm kAll[] = {
    HashAlgorithm::kSha1,     HashAlgorithm::kSha2_224,
    HashAlgorithm::kSha2_256, HashAlgorithm::kSha2_384,
    HashAlgorithm::kSha2_512, HashAlgorithm::kSha3_224,
    HashAlgorithm::kSha3_256, HashAlgorithm::kSha3_384,
    HashAlgorithm::kSha3_512};

TEST(Hash, NamesAndSizes) {
  for (const auto algorithm : kAll) {
    EXPECT_EQ(hash_algorithm_named(hash_name(algorithm)), algorithm);
    EXPECT_EQ(hash(algorithm, {}).size, hash_bytes(algorithm));
  }
  EXPECT_EQ(hash_name(HashAlgorithm::kSha3_384), "sha3-384");
  EXPECT_FALSE(hash_algorithm_named("sha-256"));
  EXPECT_FALSE(hash_algorithm_named(""));
}

// FIPS 180-4 and FIPS 202: the digests of "abc".
TEST(Hash, KnownAnswers) {
  const std::vector<std::pair<HashAlgorithm, std::string>> vectors{
      {HashAlgorithm::kSha1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {HashAlgorithm::kSha2_224,
       "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
      {HashAlgorithm::kSha2_256,
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {HashAlgorithm::kSha3_256,
       "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
  };
  for (const auto& [algorithm, digest] : vectors) {
    EXPECT_EQ(hex_encode(hash(algorithm, as_bytes("abc")).view()), digest);
  }
  EXPECT_EQ(hex_encode(sha256(as_bytes("abc"))), vectors[2].second);
  EXPECT_EQ(hex_encode(sha256({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 2104 by the book, over hash() alone.
Bytes hmac_by_the_book(HashAlgorithm algorithm, std::size_t block, ByteView key,
                       ByteView data) {
  Bytes padded = key.size() > block ? to_bytes(hash(algorithm, key).view())
                                    : to_bytes(key);
  padded.resize(block);
  Bytes inner = padded;
  Bytes outer = padded;
  for (auto& byte : inner) byte ^= 0x36;
  for (auto& byte : outer) byte ^= 0x5C;
  inner.insert(inner.end(), data.begin(), data.end());
  const Digest middle = hash(algorithm, inner);
  outer.insert(outer.end(), middle.view().begin(), middle.view().end());
  return to_bytes(hash(algorithm, outer).view());
}

TEST(Hmac, IsRfc2104ForEveryAlgorithmAndKeyLength) {
  constexpr std::size_t kBlocks[] = {64, 64, 64, 128, 128, 144, 136, 104, 72};
  for (std::size_t i = 0; i < std::size(kAll); ++i) {
    for (const std::size_t size : {0U, 1U, 32U, 64U, 72U, 73U, 104U, 128U, 129U,
                                   136U, 144U, 145U, 500U}) {
      const Bytes key(size, 0x5A);
      const Hmac keyed(kAll[i], key);
      for (const std::size_t length : {0U, 1U, 64U, 300U}) {
        const Bytes data(length, 0x33);
        const Bytes wanted = hmac_by_the_book(kAll[i], kBlocks[i], key, data);
        EXPECT_EQ(to_bytes(keyed.sign(data).view()), wanted)
            << hash_name(kAll[i]) << " " << size << " " << length;
        EXPECT_EQ(to_bytes(hmac(kAll[i], key, data).view()), wanted);
      }
    }
  }
}

TEST(Hmac, MovesAndServesManyThreads) {
  Hmac first(HashAlgorithm::kSha2_256, as_bytes("key"));
  Hmac keyed = std::move(first);
  const Digest wanted = keyed.sign(as_bytes("data"));
  Hmac other(HashAlgorithm::kSha3_256, as_bytes("other"));
  other = std::move(keyed);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        if (other.sign(as_bytes("data")).bytes != wanted.bytes) std::abort();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

// reference/transit.md §14, with the key 00 01 … 1f.
TEST(Hmac, TransitVectors) {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::uint8_t>(i);
  }
  const auto of = [&](HashAlgorithm algorithm) {
    return base64_encode(hmac(algorithm, key, as_bytes("hello world")).view());
  };
  EXPECT_EQ(of(HashAlgorithm::kSha2_256),
            "QRuaUehWXh/HlkOypsRnL0o8Plc8M9CZWgh0jLYSjo4=");
  EXPECT_EQ(of(HashAlgorithm::kSha2_512),
            "CSOXpB7QkSBCxtsiUAojF7QYhExBGGRy1LANPl2r2+3KdZJpTUevKY5xYuu6+H5d1t"
            "oiG0a7BZt7JDL6dHF87Q==");
}

void check_file(const std::string& file, HashAlgorithm algorithm) {
  Wycheproof vectors(file);
  BULLA_SKIP_WITHOUT(vectors);
  const int checked =
      vectors.each([&](const JsonElement& group, const JsonElement& test) {
        const auto bytes =
            static_cast<std::size_t>(Wycheproof::number(group, "tagSize")) / 8;
        const Digest digest = hmac(algorithm, Wycheproof::hex(test, "key"),
                                   Wycheproof::hex(test, "msg"));
        const Bytes got = to_bytes(digest.view().first(bytes));
        EXPECT_EQ(got == Wycheproof::hex(test, "tag"), Wycheproof::valid(test))
            << Wycheproof::number(test, "tcId");
      });
  EXPECT_GT(checked, 100);
}

TEST(Wycheproof, HmacSha1) {
  check_file("hmac_sha1_test.json", HashAlgorithm::kSha1);
}
TEST(Wycheproof, HmacSha256) {
  check_file("hmac_sha256_test.json", HashAlgorithm::kSha2_256);
}
TEST(Wycheproof, HmacSha512) {
  check_file("hmac_sha512_test.json", HashAlgorithm::kSha2_512);
}
TEST(Wycheproof, HmacSha3_256) {
  check_file("hmac_sha3_256_test.json", HashAlgorithm::kSha3_256);
}

}  // namespace
}  // namespace bulla::crypto
