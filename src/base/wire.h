#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla {

/// Writes Bulla's persisted records (docs/formats/wire.md): fixed-width
/// big-endian integers and byte strings behind a be32 length. The buffer is
/// secret memory, since most records hold keys.
class WireWriter {
 public:
  WireWriter& u8(std::uint8_t v);
  WireWriter& u32(std::uint32_t v);
  WireWriter& u64(std::uint64_t v);
  WireWriter& i64(std::int64_t v) { return u64(static_cast<std::uint64_t>(v)); }
  WireWriter& boolean(bool v) { return u8(v ? 1 : 0); }
  WireWriter& bytes(ByteView v);
  WireWriter& text(std::string_view v) { return bytes(as_bytes(v)); }

  ByteView view() const { return buffer_.expose().first(size_); }
  /// The record, exactly as long as what was written.
  SecretBytes finish() && { return SecretBytes::copy_of(view()); }

 private:
  void reserve(std::size_t more);
  SecretBytes buffer_;
  std::size_t size_ = 0;
};

/// Reads such a record; input is hostile. After any failure every later read
/// fails, so that callers may read all fields and check once with finish().
class WireReader {
 public:
  explicit WireReader(ByteView data) : data_(data) {}

  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  /// 0 or 1; anything else fails.
  bool boolean();
  /// A view into the input.
  ByteView bytes();
  std::string_view text() { return as_text(bytes()); }
  bool failed() const { return failed_; }
  std::size_t remaining() const { return data_.size(); }

  /// kCorrupt when a read failed or bytes are left over; `what` names the
  /// record.
  Result<void> finish(std::string_view what) const;

 private:
  ByteView take(std::size_t n);
  ByteView data_;
  bool failed_ = false;
};

}  // namespace bulla
