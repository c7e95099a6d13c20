#include "snapshot/marker.h"

#include <algorithm>

#include "base/wire.h"

namespace bulla::snapshot {
namespace {

constexpr std::uint8_t kRecord = 1;

// It becomes part of a file's name.
bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= Marker::kIdBytesMax &&
         std::ranges::all_of(id, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
         });
}

}  // namespace

Bytes Marker::serialise() const {
  WireWriter out;
  out.u8(kRecord).text(id).bytes(sha256).i64(unix_nanos(started));
  return to_bytes(out.view());
}

Result<Marker> Marker::parse(ByteView bytes) {
  WireReader in(bytes);
  const std::uint8_t record = in.u8();
  Marker marker;
  marker.id = in.text();
  const ByteView digest = in.bytes();
  marker.started = from_unix_nanos(in.i64());
  TRY(in.finish(kPath));
  if (record != kRecord || !is_id(marker.id) ||
      digest.size() != marker.sha256.size()) {
    return fail(corrupt("core/restore: not a record of a restore"));
  }
  std::ranges::copy(digest, marker.sha256.begin());
  return marker;
}

Result<std::optional<Marker>> Marker::read(storage::Storage& storage) {
  TRY_ASSIGN(const auto entry, storage.get(kPath));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto marker, parse(entry->value));
  return marker;
}

}  // namespace bulla::snapshot
