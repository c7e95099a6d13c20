#include <fmt/format.h>

#include <array>

#include "base/base64_simd.h"
#include "base/encoding.h"

namespace bulla {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kBad = 0xFF;
constexpr std::uint8_t kSkip = 0xFE;  // CR, LF

using DecodeTable = std::array<std::uint8_t, 256>;
constexpr DecodeTable decode_table(std::string_view alphabet) {
  DecodeTable table{};
  table.fill(kBad);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] =
        static_cast<std::uint8_t>(i);
  }
  table['\r'] = table['\n'] = kSkip;
  return table;
}
constexpr DecodeTable kFromStandard = decode_table(kStandard);
constexpr DecodeTable kFromUrlSafe = decode_table(kUrlSafe);

// Four digits of the triplet at `in`, whose bytes past `size` count as zero.
void encode_triplet(const std::uint8_t* in, std::size_t size,
                    std::string_view alphabet, char* out) {
  const std::uint32_t value = std::uint32_t{in[0]} << 16 |
                              (size > 1 ? std::uint32_t{in[1]} << 8 : 0U) |
                              (size > 2 ? std::uint32_t{in[2]} : 0U);
  out[0] = alphabet[value >> 18];
  out[1] = alphabet[value >> 12 & 63];
  out[2] = alphabet[value >> 6 & 63];
  out[3] = alphabet[value & 63];
}

// A decoder with the semantics, and the error offsets, of Go's
// encoding/base64: CR and LF are skipped, trailing bits are ignored.
class Decoder {
 public:
  Decoder(const char* text, std::size_t size, const DecodeTable& table,
          bool padded)
      : text_(text), size_(size), table_(table), padded_(padded) {}

  bool run(std::size_t at, std::uint8_t* out) {
    at_ = at;
    out_ = out;
    while (at_ < size_) {
      if (!fast_quantum() && !quantum()) return false;
    }
    return true;
  }
  std::uint8_t* out() const { return out_; }
  std::size_t error_at() const { return error_at_; }

 private:
  std::uint8_t value_at(std::size_t i) const {
    return table_[static_cast<unsigned char>(text_[i])];
  }
  bool bad(std::size_t at) {
    error_at_ = at;
    return false;
  }
  void skip_newlines() {
    while (at_ < size_ && value_at(at_) == kSkip) ++at_;
  }

  bool fast_quantum() {
    if (size_ - at_ < 4) return false;
    std::uint32_t value = 0;
    std::uint8_t all = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t digit = value_at(at_ + i);
      all |= digit;
      value = value << 6 | digit;
    }
    if (all > 63) return false;
    emit(value, 3);
    at_ += 4;
    return true;
  }

  // One quantum with all that may be odd about it.
  bool quantum() {
    std::uint32_t value = 0;
    std::size_t digits = 0;
    while (digits < 4) {
      if (at_ == size_) {
        if (digits == 0) return true;
        if (digits == 1 || padded_) return bad(at_ - digits);
        break;
      }
      const char c = text_[at_];
      const std::uint8_t digit = value_at(at_);
      ++at_;
      if (digit == kSkip) continue;
      if (digit == kBad) {
        if (c != '=' || !padded_ || digits < 2) return bad(at_ - 1);
        if (!padding(digits)) return false;
        break;
      }
      value = value << 6 | digit;
      ++digits;
    }
    emit(value << (6 * (4 - digits)), digits - 1);
    return true;
  }

  // The first '=' is behind us: the second after two digits, then the end.
  bool padding(std::size_t digits) {
    if (digits == 2) {
      skip_newlines();
      if (at_ == size_) return bad(size_);
      if (text_[at_] != '=') return bad(at_ - 1);
      ++at_;
    }
    skip_newlines();
    return at_ == size_ || bad(at_);
  }

  void emit(std::uint32_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
      *out_++ = static_cast<std::uint8_t>(value >> (16 - 8 * i));
    }
  }

  const char* text_;
  std::size_t size_;
  const DecodeTable& table_;
  bool padded_;
  std::size_t at_ = 0;
  std::uint8_t* out_ = nullptr;
  std::size_t error_at_ = 0;
};

const Base64Kernel& best_kernel() {
  static const Base64Kernel& kernel = base64_kernels().front();
  return kernel;
}

Error illegal_at(std::size_t at) {
  return invalid_argument(
      fmt::format("illegal base64 data at input byte {}", at));
}

}  // namespace

std::size_t base64_encode_with(const Base64Kernel& kernel, ByteView bytes,
                               char* out) {
  std::size_t at = kernel.encode(bytes.data(), bytes.size(), out);
  char* next = out + at / 3 * 4;
  for (; bytes.size() - at >= 3; at += 3, next += 4) {
    encode_triplet(bytes.data() + at, 3, kStandard, next);
  }
  const std::size_t rest = bytes.size() - at;
  if (rest > 0) {
    encode_triplet(bytes.data() + at, rest, kStandard, next);
    next[3] = '=';
    if (rest == 1) next[2] = '=';
  }
  return base64_encoded_size(bytes.size());
}

bool base64_decode_with(const Base64Kernel& kernel, const char* text,
                        std::size_t size, std::uint8_t* out,
                        std::size_t& written, std::size_t& error_at) {
  const std::size_t at = kernel.decode(text, size, out);
  Decoder decoder(text, size, kFromStandard, true);
  if (!decoder.run(at, out + at / 4 * 3)) {
    error_at = decoder.error_at();
    return false;
  }
  written = static_cast<std::size_t>(decoder.out() - out);
  return true;
}

std::size_t base64_encode_to(ByteView bytes, char* out) {
  return base64_encode_with(best_kernel(), bytes, out);
}

void base64_append(std::string& out, ByteView bytes) {
  const std::size_t start = out.size();
  out.resize(start + base64_encoded_size(bytes.size()));
  base64_encode_to(bytes, out.data() + start);
}

std::string base64_encode(ByteView bytes) {
  std::string text;
  base64_append(text, bytes);
  return text;
}

Result<std::size_t> base64_decode_to(std::string_view text, std::uint8_t* out) {
  std::size_t written = 0;
  std::size_t error_at = 0;
  if (!base64_decode_with(best_kernel(), text.data(), text.size(), out, written,
                          error_at)) {
    return fail(illegal_at(error_at));
  }
  return written;
}

Result<Bytes> base64_decode(std::string_view text) {
  Bytes bytes(base64_decoded_max(text.size()));
  TRY_ASSIGN(const std::size_t size, base64_decode_to(text, bytes.data()));
  bytes.resize(size);
  return bytes;
}

std::string base64url_encode(ByteView bytes) {
  std::string text(base64_encoded_size(bytes.size()), '\0');
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    encode_triplet(bytes.data() + at, bytes.size() - at, kUrlSafe,
                   &text[at / 3 * 4]);
  }
  text.resize((bytes.size() * 4 + 2) / 3);
  return text;
}

Result<Bytes> base64url_decode(std::string_view text) {
  Bytes bytes(base64_decoded_max(text.size()));
  Decoder decoder(text.data(), text.size(), kFromUrlSafe, false);
  if (!decoder.run(0, bytes.data()))
    return fail(illegal_at(decoder.error_at()));
  bytes.resize(static_cast<std::size_t>(decoder.out() - bytes.data()));
  return bytes;
}

}  // namespace bulla
