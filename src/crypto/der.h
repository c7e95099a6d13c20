#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace bulla::crypto {

/// The tags of ITU-T X.690 that keys and signatures are made of.
namespace der_tag {
constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kNull = 0x05;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kContext0 = 0xA0;  // constructed
constexpr std::uint8_t kContext1 = 0xA1;
}  // namespace der_tag

/// Reads DER (X.690), element after element, from hostile bytes, which outlive
/// it. Copies nothing, so it serves secrets too. A read that fails leaves the
/// reader where it was.
class DerReader {
 public:
  explicit DerReader(ByteView bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  ByteView rest() const { return rest_; }
  bool next_is(std::uint8_t tag) const {
    return !rest_.empty() && rest_[0] == tag;
  }

  /// The contents of the next element. Nothing if it has another tag, does not
  /// end within the bytes, or its length is not written as DER demands.
  std::optional<ByteView> read(std::uint8_t tag);
  /// The same with tag and length.
  std::optional<ByteView> read_whole(std::uint8_t tag);
  /// The next INTEGER in two's complement, which must be of minimal length.
  std::optional<ByteView> read_integer();
  /// The next INTEGER, not negative, big-endian without leading zeros.
  std::optional<ByteView> read_unsigned();
  /// The next BIT STRING of whole bytes.
  std::optional<ByteView> read_bit_string();

 private:
  ByteView rest_;
};

/// Writes DER from its end to its beginning into a buffer of the caller's,
/// which must hold it all: contents come first, their header after them.
class DerWriter {
 public:
  explicit DerWriter(ByteSpan buffer) : buffer_(buffer), at_(buffer.size()) {}

  /// Where what follows (in time) ends.
  std::size_t mark() const { return at_; }
  /// Tag and length of all that was written since `mark`.
  void header(std::uint8_t tag, std::size_t mark);
  void bytes(ByteView bytes);
  void byte(std::uint8_t value) { bytes({&value, 1}); }
  void element(std::uint8_t tag, ByteView contents);
  void unsigned_integer(ByteView big_endian);

  ByteView written() const { return buffer_.subspan(at_); }

 private:
  ByteSpan buffer_;
  std::size_t at_;
};

}  // namespace bulla::crypto
