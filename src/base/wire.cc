#include "base/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace bulla {
namespace {
constexpr std::size_t kBytesMin = 64;
}  // namespace

void WireWriter::reserve(std::size_t more) {
  if (buffer_.size() - size_ >= more) return;
  SecretBytes larger(std::max({kBytesMin, buffer_.size() * 2, size_ + more}));
  if (size_ > 0) {
    std::memcpy(larger.expose_mutable().data(), buffer_.expose().data(), size_);
  }
  buffer_ = std::move(larger);
}

WireWriter& WireWriter::u8(std::uint8_t v) {
  reserve(1);
  buffer_.expose_mutable()[size_++] = v;
  return *this;
}

WireWriter& WireWriter::u32(std::uint32_t v) {
  reserve(4);
  put_be32(buffer_.expose_mutable().data() + size_, v);
  size_ += 4;
  return *this;
}

WireWriter& WireWriter::u64(std::uint64_t v) {
  reserve(8);
  put_be64(buffer_.expose_mutable().data() + size_, v);
  size_ += 8;
  return *this;
}

WireWriter& WireWriter::bytes(ByteView v) {
  BULLA_ASSERT(v.size() <= std::numeric_limits<std::uint32_t>::max());
  reserve(4 + v.size());
  u32(static_cast<std::uint32_t>(v.size()));
  if (!v.empty()) {
    std::memcpy(buffer_.expose_mutable().data() + size_, v.data(), v.size());
  }
  size_ += v.size();
  return *this;
}

ByteView WireReader::take(std::size_t n) {
  if (failed_ || n > data_.size()) {
    failed_ = true;
    return {};
  }
  const ByteView taken = data_.first(n);
  data_ = data_.subspan(n);
  return taken;
}

std::uint8_t WireReader::u8() {
  const ByteView v = take(1);
  return v.empty() ? std::uint8_t{0} : v[0];
}

std::uint32_t WireReader::u32() {
  const ByteView v = take(4);
  return v.empty() ? 0 : get_be32(v.data());
}

std::uint64_t WireReader::u64() {
  const ByteView v = take(8);
  return v.empty() ? 0 : get_be64(v.data());
}

bool WireReader::boolean() {
  const std::uint8_t v = u8();
  if (v > 1) failed_ = true;
  return v == 1;
}

ByteView WireReader::bytes() {
  const std::uint32_t size = u32();
  return take(size);
}

Result<void> WireReader::finish(std::string_view what) const {
  if (failed_) {
    return fail(corrupt(fmt::format("{}: the record is cut short", what)));
  }
  if (!data_.empty()) {
    return fail(corrupt(fmt::format(
        "{}: {} bytes are left over after the record", what, data_.size())));
  }
  return {};
}

}  // namespace bulla
