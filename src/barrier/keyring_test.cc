#include "barrier/keyring.h"

#include <gtest/gtest.h>

#include "barrier/test_support.h"
#include "base/encoding.h"
#include "base/wire.h"

namespace bulla::barrier {
namespace {

Keyring::Term term(std::uint32_t number, std::uint8_t byte,
                   std::uint64_t used = 0, std::uint64_t reserved = 10) {
  return TermKey::create(number, from_unix_nanos(number * 1000), key_of(byte),
                         used, reserved)
      .value();
}

// docs/formats/keyring.md shows the same bytes.
constexpr std::string_view kGolden =
    "01"
    "00000002"
    "00000001"
    "00000000000003e8"
    "00000020"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "0000000000100000"
    "00000003"
    "0000000000000bb8"
    "00000020"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    "000000000000000a";

TEST(Keyring, SerialisesTheGoldenVector) {
  const std::vector<Keyring::Term> terms{term(1, 0xaa, 5, 1 << 20),
                                         term(3, 0xbb)};
  EXPECT_EQ(hex_encode(Keyring::serialise(terms).expose()), kGolden);
}

TEST(Keyring, ParsesTheGoldenVector) {
  const Bytes record = hex_decode(kGolden).value();
  const auto terms = Keyring::parse(record);
  ASSERT_TRUE(terms) << terms.error().message();
  ASSERT_EQ(terms->size(), 2u);
  EXPECT_EQ((*terms)[1]->term(), 3u);
  EXPECT_EQ(unix_nanos((*terms)[1]->installed()), 3000);
  EXPECT_TRUE((*terms)[1]->key() == key_of(0xbb));
  EXPECT_EQ((*terms)[0]->used(), std::uint64_t{1} << 20);
  EXPECT_EQ(to_bytes(Keyring::serialise(*terms).expose()), record);
}

TEST(Keyring, RefusesHostileRecords) {
  const Bytes good = hex_decode(kGolden).value();
  const auto refused = [](const Bytes& record) {
    const auto terms = Keyring::parse(record);
    return !terms && terms.error().code() == ErrorCode::kCorrupt;
  };
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(refused(
        Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  const auto with = [&good](std::size_t at, std::uint8_t byte) {
    Bytes record = good;
    record[at] = byte;
    return record;
  };
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_TRUE(refused(longer));
  EXPECT_TRUE(refused(with(0, 2)));                 // format
  EXPECT_TRUE(refused(with(1, 0xff)));              // count
  EXPECT_TRUE(refused(Bytes{1, 0, 0, 0, 0}));       // no term
  EXPECT_TRUE(refused(with(8, 0)));                 // term 0
  EXPECT_TRUE(refused(with(8, 3)));                 // 3, 3
  EXPECT_TRUE(refused(with(8, 4)));                 // 4, 3
  EXPECT_TRUE(refused(with(5 + 4 + 8 + 3, 0x1f)));  // a short key
}

TEST(Keyring, FindsTerms) {
  const auto keyring =
      Keyring::create(key_of(1), {term(1, 1), term(2, 2), term(9, 9)}).value();
  EXPECT_EQ(keyring->active().term(), 9u);
  EXPECT_EQ(keyring->find(2)->term(), 2u);
  for (const std::uint32_t absent : {0u, 3u, 8u, 10u, 0xffffffffu}) {
    EXPECT_EQ(keyring->find(absent), nullptr);
  }
}

TEST(Keyring, RefusesKeysOfAWrongLength) {
  EXPECT_FALSE(Keyring::create(SecretBytes(31), {term(1, 1)}));
  EXPECT_FALSE(TermKey::create(1, {}, SecretBytes(16), 0, 0));
}

TEST(Keyring, MovesABoundOnlyOnceItIsPassed) {
  const auto keyring =
      Keyring::create(key_of(1), {term(1, 1, 3), term(2, 2, 10)}).value();
  EXPECT_EQ(keyring->next_bounds(), (std::vector<std::uint64_t>{10, 10}));
  keyring->active().count(1);
  EXPECT_TRUE(keyring->active().over_reserved());
  const auto bounds = keyring->next_bounds();
  EXPECT_EQ(bounds,
            (std::vector<std::uint64_t>{10, 11 + Keyring::kReserveAhead}));
  keyring->set_bounds(bounds);
  EXPECT_FALSE(keyring->active().over_reserved());
}

TEST(Keyring, MergesStoredTermsWithLiveOnes) {
  const std::vector<Keyring::Term> live{term(1, 1, 77), term(2, 2)};
  const auto merged =
      merge_terms({term(1, 1), term(2, 2), term(3, 3)}, live).value();
  ASSERT_EQ(merged.size(), 3u);
  EXPECT_EQ(merged[0], live[0]);
  EXPECT_EQ(merged[0]->used(), 77u);
  EXPECT_EQ(merged[2]->term(), 3u);
  EXPECT_FALSE(merge_terms({term(1, 1)}, live));              // rolled back
  EXPECT_FALSE(merge_terms({term(1, 1), term(2, 9)}, live));  // another key
  EXPECT_FALSE(merge_terms({term(2, 2)}, live));
}

}  // namespace
}  // namespace bulla::barrier
