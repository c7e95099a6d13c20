#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/base64_simd.h"
#include "base/encoding.h"

namespace bulla {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

struct DecodeCase {
  std::string text;
  int error_at;  // -1: none
  std::string hex;
};

// What Go 1.26's base64.StdEncoding makes of each text.
const std::vector<DecodeCase>& go_cases() {
  static const std::vector<DecodeCase> cases{
      {"", -1, ""},
      {"\n", -1, ""},
      {"A", 0, ""},
      {"AA", 0, ""},
      {"AAA", 0, ""},
      {"AAAA", -1, "000000"},
      {"AA==", -1, "00"},
      {"AAA=", -1, "0000"},
      {"AA=", 3, ""},
      {"A===", 1, ""},
      {"=", 0, ""},
      {"====", 0, ""},
      {"AA==A", 4, ""},
      {"AA==\n", -1, "00"},
      {"AA=\n=", -1, "00"},
      {"AA=A", 2, ""},
      {"AA=\nA", 3, ""},
      {"A\nA\r\n=\n=\n", -1, "00"},
      {"AAA=A", 4, ""},
      {"AAA=\nA", 5, ""},
      {"AAAA=", 4, ""},
      {"AAAAA", 4, ""},
      {"AAAA\nAA", 5, ""},
      {"AA\nA", 1, ""},
      {"AA\n\nA", 2, ""},
      {"A*AA", 1, ""},
      {"AAAA*AAA", 4, ""},
      {"AAA*", 3, ""},
      {"*", 0, ""},
      {"AA==AA==", 4, ""},
      {"AA-_", 2, ""},
      {"Zm9v\nYmFy", -1, "666f6f626172"},
      {"Zm9vYmFyZg==", -1, "666f6f62617266"},
      {"Zm9vYmF", 4, ""},
      {"Zh==", -1, "66"},
      {"Zm9=", -1, "666f"},
      {std::string("AAAA\0AAA", 8), 4, ""},
      {"AAAA AAA", 4, ""},
      {repeated("A", 63) + "!", 63, ""},
      {repeated("A", 64) + "A===", 65, ""},
      {repeated("QUJD", 20) + "\nQUI=", -1, repeated("414243", 20) + "4142"},
      {repeated("QUJD", 20) + "QU\xff=", 82, ""},
  };
  return cases;
}

Bytes random_bytes(std::mt19937_64& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// The result of one kernel as text: "ok <hex>" or "at N".
std::string decode_with(const Base64Kernel& kernel, std::string_view text) {
  Bytes out(base64_decoded_max(text.size()));
  std::size_t written = 0;
  std::size_t error_at = 0;
  if (!base64_decode_with(kernel, text.data(), text.size(), out.data(), written,
                          error_at)) {
    return "at " + std::to_string(error_at);
  }
  return "ok " + hex_encode({out.data(), written});
}

TEST(Base64, EncodesTheRfcVectors) {
  const std::vector<std::pair<std::string, std::string>> vectors{
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), coded);
    EXPECT_EQ(to_text(*base64_decode(coded)), plain);
  }
}

TEST(Base64, DecodesAndFailsAsGoDoes) {
  for (const auto& kernel : base64_kernels()) {
    for (const auto& given : go_cases()) {
      const std::string wanted = given.error_at < 0
                                     ? "ok " + given.hex
                                     : "at " + std::to_string(given.error_at);
      EXPECT_EQ(decode_with(kernel, given.text), wanted)
          << kernel.name << " on " << given.text;
    }
  }
}

TEST(Base64, NamesTheOffendingByte) {
  const auto decoded = base64_decode("AAAA*AAA");
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(decoded.error().message(), "illegal base64 data at input byte 4");
}

TEST(Base64, AppendsBehindWhatIsThere) {
  std::string text = "vault:v1:";
  base64_append(text, as_bytes("foo"));
  EXPECT_EQ(text, "vault:v1:Zm9v");
}

// Every kernel against the scalar one, at every length and alignment, in
// buffers of the exact size so that sanitizers see an overrun.
TEST(Base64, KernelsEncodeAlike) {
  std::mt19937_64 random(1);
  const Base64Kernel& scalar = base64_kernels().back();
  for (std::size_t size = 0; size <= 300; ++size) {
    const std::size_t shift = size % 5;
    Bytes store = random_bytes(random, size + shift);
    const ByteView bytes = ByteView(store).subspan(shift);
    std::string wanted(base64_encoded_size(size), '?');
    base64_encode_with(scalar, bytes, wanted.data());
    for (const auto& kernel : base64_kernels()) {
      std::vector<char> got(base64_encoded_size(size) + 1, '?');
      EXPECT_EQ(base64_encode_with(kernel, bytes, got.data()), wanted.size());
      EXPECT_EQ(std::string(got.data(), wanted.size()), wanted) << kernel.name;
      EXPECT_EQ(got.back(), '?') << kernel.name << " wrote too far";
      EXPECT_EQ(decode_with(kernel, wanted), "ok " + hex_encode(bytes));
    }
  }
}

TEST(Base64, KernelsAgreeOnMutatedText) {
  std::mt19937_64 random(2);
  const Base64Kernel& scalar = base64_kernels().back();
  static constexpr std::string_view kOdd("=\n\r-_*\0\x80\xff/+A", 12);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = base64_encode(random_bytes(random, random() % 301));
    for (std::size_t i = random() % 3; i > 0 && !text.empty(); --i) {
      const std::size_t at = random() % text.size();
      const char c = random() % 2 == 0 ? kOdd[random() % kOdd.size()]
                                       : static_cast<char>(random());
      if (random() % 3 == 0) {
        text.insert(at, 1, c);
      } else {
        text[at] = c;
      }
    }
    if (random() % 4 == 0) text.resize(random() % (text.size() + 1));
    const std::string wanted = decode_with(scalar, text);
    for (const auto& kernel : base64_kernels()) {
      ASSERT_EQ(decode_with(kernel, text), wanted)
          << kernel.name << " on " << hex_encode(as_bytes(text));
    }
  }
}

TEST(Base64, EveryByteIsJudgedAlikeInEveryPlace) {
  const Base64Kernel& scalar = base64_kernels().back();
  for (const auto& kernel : base64_kernels()) {
    for (int c = 0; c < 256; ++c) {
      std::string text(68, 'A');
      text[static_cast<std::size_t>(c) % 64] = static_cast<char>(c);
      EXPECT_EQ(decode_with(kernel, text), decode_with(scalar, text)) << c;
    }
  }
}

TEST(Base64, TheScalarKernelIsTheLast) {
  EXPECT_THAT(std::string(base64_kernels().back().name), Eq("scalar"));
  for (const auto& kernel : base64_kernels()) {
    EXPECT_THAT(std::string(kernel.name),
                AnyOf("avx512vbmi", "avx2", "scalar"));
  }
}

TEST(Base64Url, RoundTripsWithoutPadding) {
  const Bytes bytes{0xfb, 0xff, 0xfe, 0x01};
  EXPECT_EQ(base64url_encode(bytes), "-__-AQ");
  EXPECT_EQ(*base64url_decode("-__-AQ"), bytes);
  EXPECT_EQ(base64url_encode({}), "");
  EXPECT_TRUE(base64url_decode("")->empty());
  EXPECT_EQ(base64url_encode(as_bytes("foobar")), "Zm9vYmFy");
}

TEST(Base64Url, RefusesPaddingAndTheOtherAlphabet) {
  for (const std::string_view text : {"AQ==", "A", "+/AA", "AAAAA", "AA*"}) {
    EXPECT_FALSE(base64url_decode(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace bulla
