#include "storage/protobuf.h"

namespace bulla::storage {
namespace {

enum WireType : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kFixed32 = 5
};

Error no_message() { return corrupt("etcd: an answer that is no message"); }

}  // namespace

void ProtoWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    text_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  text_.push_back(static_cast<char>(value));
}

ProtoWriter& ProtoWriter::number(unsigned field, std::uint64_t value) {
  varint(std::uint64_t{field} << 3 | kVarint);
  varint(value);
  return *this;
}

ProtoWriter& ProtoWriter::bytes(unsigned field, std::string_view value) {
  varint(std::uint64_t{field} << 3 | kBytes);
  varint(value.size());
  text_ += value;
  return *this;
}

Result<std::uint64_t> ProtoReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
  return fail(no_message());
}

Result<std::string_view> ProtoReader::take(std::uint64_t size) {
  if (size > rest_.size()) return fail(no_message());
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

Result<std::optional<ProtoReader::Field>> ProtoReader::next() {
  if (rest_.empty()) return std::nullopt;
  TRY_ASSIGN(const std::uint64_t tag, varint());
  Field field;
  field.number = static_cast<unsigned>(tag >> 3);
  switch (tag & 7) {
    case kVarint: {
      TRY_ASSIGN(field.value, varint());
      return field;
    }
    case kBytes: {
      TRY_ASSIGN(const std::uint64_t size, varint());
      TRY_ASSIGN(field.bytes, take(size));
      return field;
    }
    case kFixed64:
    case kFixed32: {
      TRY_ASSIGN(field.bytes, take((tag & 7) == kFixed64 ? 8 : 4));
      return field;
    }
    default:
      return fail(no_message());
  }
}

}  // namespace bulla::storage
