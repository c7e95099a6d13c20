#include "crypto/shamir.h"

#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

SecretBytes from_hex(std::string_view text) {
  return SecretBytes::copy_of(hex_decode(text).value());
}

std::vector<SecretBytes> chosen(const std::vector<SecretBytes>& shares,
                                const std::vector<std::size_t>& which) {
  std::vector<SecretBytes> out;
  for (const std::size_t i : which) out.push_back(shares[i].clone());
  return out;
}

TEST(Gf256, MultipliesAndInverts) {
  EXPECT_EQ(gf256_multiply(0x53, 0xCA), 0x01);
  EXPECT_EQ(gf256_multiply(0x57, 0x83), 0xC1);
  EXPECT_EQ(gf256_multiply(0x80, 2), 0x1B);
  EXPECT_EQ(gf256_inverse(0), 0);
  for (unsigned a = 1; a < 256; ++a) {
    const auto byte = static_cast<std::uint8_t>(a);
    EXPECT_EQ(gf256_multiply(byte, gf256_inverse(byte)), 1) << a;
    EXPECT_EQ(gf256_multiply(byte, 1), byte);
    EXPECT_EQ(gf256_multiply(byte, 0), 0);
  }
}

TEST(Gf256, IsAField) {
  for (unsigned i = 0; i < 256; i += 7) {
    for (unsigned j = 0; j < 256; j += 5) {
      const auto a = static_cast<std::uint8_t>(i);
      const auto b = static_cast<std::uint8_t>(j);
      const auto c = static_cast<std::uint8_t>(i * 31 + j);
      EXPECT_EQ(gf256_multiply(a, b), gf256_multiply(b, a));
      EXPECT_EQ(gf256_multiply(a, b ^ c),
                gf256_multiply(a, b) ^ gf256_multiply(a, c));
      EXPECT_EQ(gf256_multiply(gf256_multiply(a, b), c),
                gf256_multiply(a, gf256_multiply(b, c)));
    }
  }
}

// reference/seal.md §4: a polynomial of degree two, so all three are needed.
TEST(Shamir, ReferenceVector) {
  std::vector<SecretBytes> shares;
  for (const std::string_view text :
       {"fbe8ddca01", "fde2dbd402", "b432167253"}) {
    shares.push_back(from_hex(text));
  }
  const auto secret = shamir_combine(shares);
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(hex_encode(secret->expose()), "00112233");
  EXPECT_NE(hex_encode(shamir_combine(chosen(shares, {0, 1}))->expose()),
            "00112233");
}

// The bytes of the vector's polynomial, then zeros: the points' permutation.
class ScriptedRng final : public Rng {
 public:
  explicit ScriptedRng(Bytes script) : script_(std::move(script)) {}
  void fill(ByteSpan out) override {
    for (auto& byte : out) {
      byte = at_ < script_.size() ? script_[at_] : std::uint8_t{0};
      ++at_;
    }
  }

 private:
  Bytes script_;
  std::size_t at_ = 0;
};

TEST(Shamir, SplitEvaluatesThePolynomial) {
  ScriptedRng rng(hex_decode("0a0b0c0df1f2f3f4").value());
  const auto shares = shamir_split(from_hex("00112233"), 255, 3, rng);
  ASSERT_TRUE(shares.has_value());
  std::set<std::string> all;
  for (const auto& share : *shares) all.insert(hex_encode(share.expose()));
  EXPECT_EQ(all.size(), 255U);
  for (const std::string_view text :
       {"fbe8ddca01", "fde2dbd402", "b432167253"}) {
    EXPECT_TRUE(all.contains(std::string(text))) << text;
  }
}

TEST(Shamir, AnyThresholdOfSharesGivesTheSecretBack) {
  SystemRng rng;
  const SecretBytes secret = rng.secret(32);
  const auto shares = shamir_split(secret, 5, 3, rng).value();
  std::set<std::uint8_t> points;
  for (const auto& share : shares) {
    EXPECT_EQ(share.size(), 33U);
    points.insert(share.expose().back());
  }
  EXPECT_EQ(points.size(), 5U);
  EXPECT_FALSE(points.contains(0));
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = a + 1; b < 5; ++b) {
      EXPECT_FALSE(*shamir_combine(chosen(shares, {a, b})) == secret);
      for (std::size_t c = b + 1; c < 5; ++c) {
        EXPECT_TRUE(*shamir_combine(chosen(shares, {c, a, b})) == secret);
      }
    }
  }
  EXPECT_TRUE(*shamir_combine(shares) == secret);
}

TEST(Shamir, TheLargestSplit) {
  SystemRng rng;
  const SecretBytes secret = rng.secret(1);
  const auto shares = shamir_split(secret, 255, 255, rng).value();
  EXPECT_TRUE(*shamir_combine(shares) == secret);
  const auto two = shamir_split(secret, 2, 2, rng).value();
  EXPECT_TRUE(*shamir_combine(two) == secret);
}

TEST(Shamir, RefusesImpossibleSplits) {
  SystemRng rng;
  const SecretBytes secret = rng.secret(4);
  for (const auto& [shares, threshold] :
       std::vector<std::pair<std::size_t, std::size_t>>{
           {1, 1}, {2, 1}, {2, 0}, {0, 0}, {2, 3}, {256, 3}, {300, 256}}) {
    const auto split = shamir_split(secret, shares, threshold, rng);
    ASSERT_FALSE(split.has_value()) << shares << " " << threshold;
    EXPECT_EQ(split.error().code(), ErrorCode::kInvalidArgument);
  }
}

std::string combine_error(const std::vector<std::string>& texts) {
  std::vector<SecretBytes> shares;
  for (const auto& text : texts) shares.push_back(from_hex(text));
  const auto secret = shamir_combine(shares);
  return secret ? "" : secret.error().message();
}

TEST(Shamir, CombineNamesWhatIsWrong) {
  EXPECT_EQ(combine_error({}),
            "less than two parts cannot be used to reconstruct the secret");
  EXPECT_EQ(combine_error({"0101"}),
            "less than two parts cannot be used to reconstruct the secret");
  EXPECT_EQ(combine_error({"01", "02"}), "parts must be at least two bytes");
  EXPECT_EQ(combine_error({"", ""}), "parts must be at least two bytes");
  EXPECT_EQ(combine_error({"0101", "010102"}),
            "all parts must be the same length");
  EXPECT_EQ(combine_error({"0101", "0202", "0301"}), "duplicate part detected");
  EXPECT_EQ(combine_error({"0101", "0202"}), "");
}

}  // namespace
}  // namespace bulla::crypto
