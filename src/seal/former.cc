#include "seal/former.h"

#include "base/wire.h"
#include "seal/quorum.h"

namespace bulla::seal {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kIdBytesMax = 256;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax;
}

}  // namespace

Bytes FormerUnseal::serialise() const {
  WireWriter out;
  out.u8(kFormat).text(former_id).text(present_id);
  return to_bytes(out.view());
}

Result<FormerUnseal> FormerUnseal::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt("former unseal key: not of a format that this knows"));
  }
  FormerUnseal former;
  former.former_id = in.text();
  former.present_id = in.text();
  TRY(in.finish(kPath));
  if (is_id(former.former_id) && is_id(former.present_id)) return former;
  return fail(corrupt("former unseal key: impossible ids"));
}

Bytes FormerRecovery::serialise() const {
  WireWriter out;
  out.u8(kFormat).u32(shares).u32(threshold).bytes(check);
  return to_bytes(out.view());
}

Result<FormerRecovery> FormerRecovery::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(
        corrupt("former recovery key: not of a format that this knows"));
  }
  FormerRecovery former;
  former.shares = in.u32();
  former.threshold = in.u32();
  former.check = to_bytes(in.bytes());
  TRY(in.finish(kPath));
  const bool possible = split_fault(former.shares, former.threshold).empty() &&
                        former.check.size() == kCheckBytes;
  if (possible || former == FormerRecovery{}) return former;
  return fail(corrupt("former recovery key: impossible numbers"));
}

}  // namespace bulla::seal
