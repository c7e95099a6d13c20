#include "snapshot/header.h"

#include "base/wire.h"

namespace bulla::snapshot {
namespace {

PasskeyInfo read_passkey(WireReader& in) {
  PasskeyInfo info;
  info.name = in.text();
  info.kind = in.text();
  info.provider = in.text();
  info.kek_version = in.u32();
  info.key_id = in.text();
  info.shares = in.u32();
  info.threshold = in.u32();
  info.created = from_unix_nanos(in.i64());
  info.verified = from_unix_nanos(in.i64());
  return info;
}

void write_passkey(WireWriter& out, const PasskeyInfo& info) {
  out.text(info.name).text(info.kind).text(info.provider);
  out.u32(info.kek_version).text(info.key_id);
  out.u32(info.shares).u32(info.threshold);
  out.i64(unix_nanos(info.created)).i64(unix_nanos(info.verified));
}

bool is_text(std::string_view text) {
  return text.size() <= Header::kTextBytesMax;
}

}  // namespace

PasskeyInfo PasskeyInfo::of(const seal::Passkey& passkey) {
  return {passkey.name,           passkey.kind,
          passkey.provider,       passkey.wrapped.version,
          passkey.wrapped.key_id, passkey.shares,
          passkey.threshold,      passkey.created,
          passkey.verified};
}

Bytes Header::serialise() const {
  WireWriter out;
  out.text(installation).i64(unix_nanos(taken));
  out.text(server_version).text(storage);
  out.u32(static_cast<std::uint32_t>(passkeys.size()));
  for (const PasskeyInfo& info : passkeys) write_passkey(out, info);
  return to_bytes(out.view());
}

Result<Header> Header::parse(ByteView bytes) {
  WireReader in(bytes);
  Header header;
  header.installation = in.text();
  header.taken = from_unix_nanos(in.i64());
  header.server_version = in.text();
  header.storage = in.text();
  const std::uint32_t count = in.u32();
  if (count > seal::Passkey::kCountMax) {
    return fail(corrupt("snapshot header: too many passkeys"));
  }
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    header.passkeys.push_back(read_passkey(in));
  }
  TRY(in.finish("snapshot header"));
  if (header.installation.empty() || !is_text(header.installation) ||
      !is_text(header.server_version) || !is_text(header.storage)) {
    return fail(corrupt("snapshot header: a text of impossible length"));
  }
  return header;
}

}  // namespace bulla::snapshot
