#include "base/base64_simd.h"

// g++ 12 takes the deliberately undefined operands of these intrinsics for a
// mistake of ours (GCC bug 105593).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <array>
#include <vector>

// g++ 12 takes the undefined register that its own intrinsics start from for an
// uninitialised variable of ours.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace bulla {
namespace {

std::size_t take_nothing_encode(const std::uint8_t*, std::size_t, char*) {
  return 0;
}
std::size_t take_nothing_decode(const char*, std::size_t, std::uint8_t*) {
  return 0;
}

// ---- AVX-512 VBMI: 48 bytes <-> 64 characters a step ----

#define BULLA_VBMI \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi2")))

struct alignas(64) Table64 {
  std::array<char, 64> bytes{};
};
struct alignas(64) Table128 {
  std::array<std::uint8_t, 128> bytes{};
};

constexpr Table64 kAlphabet = [] {
  Table64 table;
  constexpr char kText[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < 64; ++i) table.bytes[i] = kText[i];
  return table;
}();

// Character -> digit; 0x80 marks what is not of the alphabet.
constexpr Table128 kDigits = [] {
  Table128 table;
  table.bytes.fill(0x80);
  for (std::size_t i = 0; i < 64; ++i) {
    table.bytes[static_cast<unsigned char>(kAlphabet.bytes[i])] =
        static_cast<std::uint8_t>(i);
  }
  return table;
}();

// Bytes a b c of each triplet to b a c b, so that one multi-shift of each
// 64-bit lane cuts out all four digits.
constexpr Table64 kSpread = [] {
  Table64 table;
  for (std::size_t i = 0; i < 16; ++i) {
    table.bytes[4 * i] = static_cast<char>(3 * i + 1);
    table.bytes[4 * i + 1] = static_cast<char>(3 * i);
    table.bytes[4 * i + 2] = static_cast<char>(3 * i + 2);
    table.bytes[4 * i + 3] = static_cast<char>(3 * i + 1);
  }
  return table;
}();

// The three bytes of each 32-bit lane, in big-endian order, to the front.
constexpr Table64 kGather = [] {
  Table64 table;
  for (std::size_t i = 0; i < 16; ++i) {
    table.bytes[3 * i] = static_cast<char>(4 * i + 2);
    table.bytes[3 * i + 1] = static_cast<char>(4 * i + 1);
    table.bytes[3 * i + 2] = static_cast<char>(4 * i);
  }
  return table;
}();

BULLA_VBMI inline __mmask64 first_lanes(std::size_t n) {
  return _bzhi_u64(~0ULL, static_cast<unsigned>(n));
}

BULLA_VBMI inline __m512i vbmi_encode_block(__m512i bytes) {
  const __m512i spread =
      _mm512_permutexvar_epi8(_mm512_load_si512(kSpread.bytes.data()), bytes);
  const __m512i shifts = _mm512_set1_epi64(0x3036242A1016040A);
  const __m512i digits = _mm512_multishift_epi64_epi8(shifts, spread);
  return _mm512_permutexvar_epi8(digits,
                                 _mm512_load_si512(kAlphabet.bytes.data()));
}

BULLA_VBMI std::size_t vbmi_encode(const std::uint8_t* in, std::size_t size,
                                   char* out) {
  std::size_t at = 0;
  // A whole register is read for 48 bytes used: masked loads cost more.
  for (; size - at >= 64; at += 48, out += 64) {
    _mm512_storeu_si512(out, vbmi_encode_block(_mm512_loadu_si512(in + at)));
  }
  while (size - at >= 3) {
    const std::size_t take = size - at >= 48 ? 48 : (size - at) / 3 * 3;
    const __m512i bytes = _mm512_maskz_loadu_epi8(first_lanes(take), in + at);
    _mm512_mask_storeu_epi8(out, first_lanes(take / 3 * 4),
                            vbmi_encode_block(bytes));
    at += take;
    out += take / 3 * 4;
  }
  return at;
}

// Decodes 64 characters to the first 48 bytes of `bytes`; false if one is not
// of the alphabet.
BULLA_VBMI inline bool vbmi_decode_block(__m512i text, __m512i& bytes) {
  const __m512i low = _mm512_load_si512(kDigits.bytes.data());
  const __m512i high = _mm512_load_si512(kDigits.bytes.data() + 64);
  const __m512i digits = _mm512_permutex2var_epi8(low, text, high);
  if (_mm512_movepi8_mask(_mm512_or_si512(digits, text)) != 0) return false;
  const __m512i pairs =
      _mm512_maddubs_epi16(digits, _mm512_set1_epi32(0x01400140));
  const __m512i triplets =
      _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00011000));
  bytes = _mm512_permutexvar_epi8(_mm512_load_si512(kGather.bytes.data()),
                                  triplets);
  return true;
}

BULLA_VBMI std::size_t vbmi_decode(const char* in, std::size_t size,
                                   std::uint8_t* out) {
  std::size_t at = 0;
  __m512i bytes;
  for (; size - at >= 64; at += 64, out += 48) {
    if (!vbmi_decode_block(_mm512_loadu_si512(in + at), bytes)) return at;
    _mm512_mask_storeu_epi8(out, first_lanes(48), bytes);
  }
  // All of the tail but the last quantum, which may be padded.
  if (size - at <= 4) return at;
  const std::size_t take = (size - at - 1) / 4 * 4;
  const __m512i text =
      _mm512_mask_loadu_epi8(_mm512_set1_epi8('A'), first_lanes(take), in + at);
  if (!vbmi_decode_block(text, bytes)) return at;
  _mm512_mask_storeu_epi8(out, first_lanes(take / 4 * 3), bytes);
  return at + take;
}

// ---- AVX2: 24 bytes <-> 32 characters a step ----

#define BULLA_AVX2 __attribute__((target("avx2")))

BULLA_AVX2 inline __m256i avx2_encode_block(__m256i bytes) {
  const __m256i spread = _mm256_shuffle_epi8(
      bytes,
      _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0,
                       2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  const __m256i high = _mm256_mulhi_epu16(
      _mm256_and_si256(spread, _mm256_set1_epi32(0x0FC0FC00)),
      _mm256_set1_epi32(0x04000040));
  const __m256i low = _mm256_mullo_epi16(
      _mm256_and_si256(spread, _mm256_set1_epi32(0x003F03F0)),
      _mm256_set1_epi32(0x01000010));
  const __m256i digits = _mm256_or_si256(high, low);
  // Which of the alphabet's ranges: 13 A-Z, 0 a-z, 1..10 0-9, 11 '+', 12 '/'.
  const __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), digits);
  const __m256i range =
      _mm256_or_si256(_mm256_subs_epu8(digits, _mm256_set1_epi8(51)),
                      _mm256_and_si256(upper, _mm256_set1_epi8(13)));
  const __m256i offsets = _mm256_setr_epi8(
      71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0, 71, -4,
      -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0);
  return _mm256_add_epi8(digits, _mm256_shuffle_epi8(offsets, range));
}

BULLA_AVX2 std::size_t avx2_encode(const std::uint8_t* in, std::size_t size,
                                   char* out) {
  std::size_t at = 0;
  // The upper half reads four bytes past the 24 it uses.
  for (; size - at >= 28; at += 24, out += 32) {
    const __m128i low =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + at));
    const __m128i high =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + at + 12));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        avx2_encode_block(_mm256_set_m128i(high, low)));
  }
  return at;
}

BULLA_AVX2 inline bool avx2_decode_block(__m256i text, __m256i& bytes) {
  const __m256i low_mask = _mm256_set1_epi8(0x0F);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), low_mask);
  const __m256i low = _mm256_and_si256(text, low_mask);
  // A character is of the alphabet where the bits of its two nibbles are
  // disjoint: each nibble's bits are the classes that it forbids.
  const __m256i by_low = _mm256_setr_epi8(
      0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A,
      0x1B, 0x1B, 0x1B, 0x1A, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
      0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
  const __m256i by_high = _mm256_setr_epi8(
      0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
      0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
      0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  if (_mm256_testz_si256(_mm256_shuffle_epi8(by_low, low),
                         _mm256_shuffle_epi8(by_high, high)) == 0) {
    return false;
  }
  // Character + offset[high nibble] is the digit; '/' alone shares its nibble
  // with '+' and takes the entry before.
  const __m256i offsets = _mm256_setr_epi8(
      0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 19, 4,
      -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i slash = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('/'));
  const __m256i digits = _mm256_add_epi8(
      text, _mm256_shuffle_epi8(offsets, _mm256_add_epi8(slash, high)));
  const __m256i pairs =
      _mm256_maddubs_epi16(digits, _mm256_set1_epi32(0x01400140));
  const __m256i triplets =
      _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
  const __m256i packed = _mm256_shuffle_epi8(
      triplets,
      _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,
                       2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  bytes = _mm256_permutevar8x32_epi32(
      packed, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
  return true;
}

BULLA_AVX2 std::size_t avx2_decode(const char* in, std::size_t size,
                                   std::uint8_t* out) {
  std::size_t at = 0;
  __m256i bytes;
  for (; size - at >= 32; at += 32, out += 24) {
    const __m256i text =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + at));
    if (!avx2_decode_block(text, bytes)) return at;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm256_castsi256_si128(bytes));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 16),
                     _mm256_extracti128_si256(bytes, 1));
  }
  return at;
}

std::vector<Base64Kernel> supported_kernels() {
  __builtin_cpu_init();
  std::vector<Base64Kernel> kernels;
  if (__builtin_cpu_supports("avx512vbmi") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2")) {
    kernels.push_back({"avx512vbmi", vbmi_encode, vbmi_decode});
  }
  if (__builtin_cpu_supports("avx2")) {
    kernels.push_back({"avx2", avx2_encode, avx2_decode});
  }
  kernels.push_back({"scalar", take_nothing_encode, take_nothing_decode});
  return kernels;
}

}  // namespace

std::span<const Base64Kernel> base64_kernels() {
  static const auto& kernels =
      *new const std::vector<Base64Kernel>(supported_kernels());
  return kernels;
}

}  // namespace bulla
