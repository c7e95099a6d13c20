#include "crypto/der.h"

#include <cstring>

#include "base/assert.h"
#include "crypto/openssl.h"

namespace bulla::crypto {
namespace {

constexpr std::size_t kShortLengthMax = 0x7F;
constexpr std::size_t kLengthBytesMax = 4;

struct Header {
  std::size_t bytes = 0;
  std::size_t length = 0;
};

// The long form: how many bytes the length has, then these, most significant
// first.
std::optional<Header> long_header(ByteView element) {
  const std::size_t count = element[1] & 0x7FU;
  if (count == 0 || count > kLengthBytesMax || element.size() < 2 + count) {
    return std::nullopt;
  }
  Header header{2 + count, 0};
  for (const std::uint8_t byte : element.subspan(2, count)) {
    header.length = (header.length << 8) | byte;
  }
  const bool minimal = element[2] != 0 && header.length > kShortLengthMax;
  if (!minimal) return std::nullopt;
  return header;
}

std::optional<Header> header_of(ByteView element) {
  if (element.size() < 2) return std::nullopt;
  std::optional<Header> header = Header{2, element[1]};
  if (element[1] > kShortLengthMax) header = long_header(element);
  if (!header || header->length > element.size() - header->bytes) {
    return std::nullopt;
  }
  return header;
}

}  // namespace

std::optional<ByteView> DerReader::read(std::uint8_t tag) {
  if (!next_is(tag)) return std::nullopt;
  const auto header = header_of(rest_);
  if (!header) return std::nullopt;
  const ByteView contents = rest_.subspan(header->bytes, header->length);
  rest_ = rest_.subspan(header->bytes + header->length);
  return contents;
}

std::optional<ByteView> DerReader::read_whole(std::uint8_t tag) {
  const ByteView before = rest_;
  if (!read(tag)) return std::nullopt;
  return before.first(before.size() - rest_.size());
}

std::optional<ByteView> DerReader::read_integer() {
  DerReader ahead = *this;
  const auto number = ahead.read(der_tag::kInteger);
  if (!number || number->empty()) return std::nullopt;
  if (number->size() > 1) {
    const bool top = ((*number)[1] & 0x80U) != 0;
    const std::uint8_t spare = top ? 0xFF : 0x00;
    if ((*number)[0] == spare) return std::nullopt;
  }
  *this = ahead;
  return number;
}

std::optional<ByteView> DerReader::read_unsigned() {
  DerReader ahead = *this;
  const auto number = ahead.read_integer();
  if (!number || ((*number)[0] & 0x80U) != 0) return std::nullopt;
  *this = ahead;
  return without_leading_zeros(*number);
}

std::optional<ByteView> DerReader::read_bit_string() {
  DerReader ahead = *this;
  const auto bits = ahead.read(der_tag::kBitString);
  if (!bits || bits->empty() || (*bits)[0] != 0) return std::nullopt;
  *this = ahead;
  return bits->subspan(1);
}

void DerWriter::bytes(ByteView bytes) {
  BULLA_ASSERT(bytes.size() <= at_);
  at_ -= bytes.size();
  if (!bytes.empty()) {
    std::memcpy(buffer_.data() + at_, bytes.data(), bytes.size());
  }
}

void DerWriter::header(std::uint8_t tag, std::size_t mark) {
  const std::size_t length = mark - at_;
  if (length <= kShortLengthMax) {
    byte(static_cast<std::uint8_t>(length));
  } else {
    std::uint8_t count = 0;
    for (std::size_t left = length; left != 0; left >>= 8) {
      byte(static_cast<std::uint8_t>(left));
      ++count;
    }
    byte(static_cast<std::uint8_t>(0x80U | count));
  }
  byte(tag);
}

void DerWriter::element(std::uint8_t tag, ByteView contents) {
  const std::size_t end = mark();
  bytes(contents);
  header(tag, end);
}

void DerWriter::unsigned_integer(ByteView big_endian) {
  const ByteView number = without_leading_zeros(big_endian);
  const std::size_t end = mark();
  bytes(number);
  if (number.empty() || (number[0] & 0x80U) != 0) byte(0);
  header(der_tag::kInteger, end);
}

}  // namespace bulla::crypto
