#include "crypto/key_wrap.h"

#include <gtest/gtest.h>

#include <numeric>

#include "crypto/wycheproof_test.h"

namespace bulla::crypto {
namespace {

Bytes hex(std::string_view text) { return hex_decode(text).value(); }

Bytes counting(std::uint8_t from, std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), from);
  return bytes;
}

void check(const Bytes& kek, const Bytes& key, std::string_view wrapped) {
  EXPECT_EQ(hex_encode(wrap_kwp(kek, key)), wrapped);
  const auto opened = unwrap_kwp(kek, hex(wrapped));
  ASSERT_TRUE(opened);
  EXPECT_EQ(to_bytes(opened->expose()), key);
}

TEST(KeyWrap, Rfc5649Section6) {
  const Bytes kek = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
  check(kek, hex("c37b7e6492584340bed12207808941155068f738"),
        "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a");
  check(kek, hex("466f7250617369"), "afbeb0f07dfbf5419200f2ccb50bb24f");
}

// reference/transit.md §14.
TEST(KeyWrap, TransitVector) {
  check(counting(0, 32), counting(32, 32),
        "92f48c52045c08050ec796a5a91c5ddaf7c61cbdc940adc8d3dc8a144f6161a8"
        "c5d3299e325f1750");
}

TEST(KeyWrap, EveryLengthComesBack) {
  for (const std::size_t kek_bytes : {16U, 24U, 32U}) {
    const Bytes kek(kek_bytes, 7);
    for (std::size_t size = 1; size < 70; ++size) {
      const Bytes key = counting(1, size);
      const auto opened = unwrap_kwp(kek, wrap_kwp(kek, key));
      ASSERT_TRUE(opened) << size;
      EXPECT_EQ(to_bytes(opened->expose()), key);
    }
  }
  const Bytes longest(65536, 1);
  EXPECT_EQ(unwrap_kwp(Bytes(32), wrap_kwp(Bytes(32), longest))->size(),
            longest.size());
}

TEST(KeyWrap, WhateverIsWrongIsOneError) {
  const Bytes kek(32, 7);
  const Bytes wrapped = wrap_kwp(kek, counting(1, 20));
  std::vector<Bytes> bad;
  for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
    bad.push_back(wrapped);
    bad.back()[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
  for (const std::size_t size : {0U, 8U, 16U, 24U, 31U, 33U, 40U, 70000U}) {
    bad.push_back(wrapped);
    bad.back().resize(size);
  }
  for (const Bytes& bytes : bad) {
    const auto opened = unwrap_kwp(kek, bytes);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(opened.error().message(), "the wrapped key does not open");
  }
  EXPECT_FALSE(unwrap_kwp(Bytes(32, 8), wrapped));
}

TEST(Wycheproof, AesKwp) {
  Wycheproof vectors("aes_kwp_test.json");
  BULLA_SKIP_WITHOUT(vectors);
  const int checked =
      vectors.each([&](const JsonElement&, const JsonElement& test) {
        const auto id = Wycheproof::number(test, "tcId");
        const Bytes kek = Wycheproof::hex(test, "key");
        const Bytes key = Wycheproof::hex(test, "msg");
        const Bytes wrapped = Wycheproof::hex(test, "ct");
        const auto opened = unwrap_kwp(kek, wrapped);
        ASSERT_EQ(opened.has_value(), Wycheproof::valid(test)) << id;
        if (!opened) return;
        EXPECT_EQ(to_bytes(opened->expose()), key) << id;
        EXPECT_EQ(wrap_kwp(kek, key), wrapped) << id;
      });
  EXPECT_GT(checked, 200);
}

}  // namespace
}  // namespace bulla::crypto
