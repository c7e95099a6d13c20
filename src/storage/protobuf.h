#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::storage {

/// Writes a message of Protocol Buffers.
class ProtoWriter {
 public:
  ProtoWriter& number(unsigned field, std::uint64_t value);
  ProtoWriter& bytes(unsigned field, std::string_view value);
  ProtoWriter& bytes(unsigned field, ByteView value) {
    return bytes(field, as_text(value));
  }
  ProtoWriter& message(unsigned field, const ProtoWriter& value) {
    return bytes(field, value.text_);
  }

  const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value);
  std::string text_;
};

/// Reads one, field by field, in their order. What it gives views into the
/// text.
class ProtoReader {
 public:
  struct Field {
    unsigned number = 0;
    std::uint64_t value = 0;  ///< Of a number.
    std::string_view bytes;   ///< Of bytes, a string, a message.
  };

  explicit ProtoReader(std::string_view text) : rest_(text) {}

  /// None behind the last one.
  ///   kCorrupt  it is no message.
  Result<std::optional<Field>> next();

 private:
  Result<std::uint64_t> varint();
  Result<std::string_view> take(std::uint64_t size);
  std::string_view rest_;
};

}  // namespace bulla::storage
