#include "barrier/entry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/encoding.h"

namespace bulla::barrier {
namespace {

class ZeroRng final : public crypto::Rng {
 public:
  void fill(ByteSpan out) override { std::fill(out.begin(), out.end(), 0); }
};

crypto::Aead counting_key() {
  Bytes key(32);
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  return crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm, key).value();
}

constexpr std::string_view kGolden =
    "0000000102000000000000000000000000759ed4fc8f1dfef327a79032542555c073b4c0"
    "8cb449f9";

TEST(SealedEntry, SealsTheGoldenVector) {
  ZeroRng rng;
  const Bytes sealed =
      seal_entry(counting_key(), 1, "core/keyring", as_bytes("{\"a\":1}"), rng);
  EXPECT_EQ(hex_encode(sealed), kGolden);
}

TEST(SealedEntry, OpensTheGoldenVector) {
  const Bytes sealed = hex_decode(kGolden).value();
  const auto entry = SealedEntry::parse(sealed).value();
  EXPECT_EQ(entry.term, 1u);
  EXPECT_EQ(entry.serialise(), sealed);
  const auto plain = open_entry(counting_key(), "core/keyring", entry);
  ASSERT_TRUE(plain);
  EXPECT_EQ(as_text(plain->expose()), "{\"a\":1}");
  EXPECT_FALSE(open_entry(counting_key(), "core/keyrinG", entry));
}

TEST(SealedEntry, SealsNothingToo) {
  ZeroRng rng;
  const Bytes sealed = seal_entry(counting_key(), 7, "p", {}, rng);
  EXPECT_EQ(sealed.size(), SealedEntry::kOverheadBytes);
  const auto plain =
      open_entry(counting_key(), "p", SealedEntry::parse(sealed).value());
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->empty());
}

TEST(SealedEntry, RefusesEveryTruncation) {
  const Bytes sealed = hex_decode(kGolden).value();
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    const auto entry = SealedEntry::parse(ByteView(sealed).first(size));
    if (size < SealedEntry::kOverheadBytes) {
      ASSERT_FALSE(entry) << size;
      EXPECT_EQ(entry.error().code(), ErrorCode::kCorrupt);
      continue;
    }
    EXPECT_FALSE(open_entry(counting_key(), "core/keyring", *entry)) << size;
  }
}

TEST(SealedEntry, RefusesEveryOtherVersion) {
  Bytes sealed = hex_decode(kGolden).value();
  for (int version = 0; version < 256; ++version) {
    sealed[4] = static_cast<std::uint8_t>(version);
    EXPECT_EQ(SealedEntry::parse(sealed).has_value(), version == 2);
  }
}

}  // namespace
}  // namespace bulla::barrier
