#include "audit/header_record.h"

#include "base/wire.h"

namespace bulla::audit {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kWhat = "the list of audited headers";

}  // namespace

SecretBytes serialize_headers(const std::vector<AuditedHeader>& headers) {
  WireWriter out;
  out.u8(kVersion).u32(static_cast<std::uint32_t>(headers.size()));
  for (const AuditedHeader& header : headers) {
    out.text(header.name).boolean(header.hmac);
  }
  return std::move(out).finish();
}

Result<std::vector<AuditedHeader>> parse_headers(ByteView bytes) {
  WireReader in(bytes);
  const bool known = in.u8() == kVersion;
  const std::uint32_t count = in.u32();
  if (count > kHeadersMax) {
    return fail(corrupt("the list of audited headers is too long"));
  }
  std::vector<AuditedHeader> headers;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    AuditedHeader header{std::string(in.text()), in.boolean()};
    // Ascending and each once, so that one list has one form.
    if (header.name.size() > kHeaderNameBytesMax ||
        (!headers.empty() && headers.back().name >= header.name)) {
      return fail(corrupt("the list of audited headers is out of order"));
    }
    headers.push_back(std::move(header));
  }
  TRY(in.finish(kWhat));
  if (!known) return fail(corrupt("the list of audited headers: unknown"));
  return headers;
}

}  // namespace bulla::audit
