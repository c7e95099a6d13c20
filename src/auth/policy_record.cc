#include "auth/policy_record.h"

#include "base/wire.h"

namespace bulla::auth {
namespace {

constexpr std::uint8_t kFormat = 2;

void write_time(WireWriter& out, const std::optional<Time>& time) {
  out.boolean(time.has_value());
  if (time) out.i64(unix_nanos(*time));
}

std::optional<Time> read_time(WireReader& in) {
  if (!in.boolean()) return std::nullopt;
  return from_unix_nanos(in.i64());
}

}  // namespace

SecretBytes serialize_policy(const PolicyRecord& record) {
  WireWriter out;
  out.u8(kFormat).u64(record.meta.version);
  write_time(out, record.meta.modified);
  write_time(out, record.meta.expiration);
  out.boolean(record.meta.cas_required).text(record.text);
  return std::move(out).finish();
}

Result<PolicyRecord> parse_policy_record(ByteView record) {
  WireReader in(record);
  PolicyRecord policy;
  const std::uint8_t format = in.u8();
  policy.meta.version = in.u64();
  policy.meta.modified = read_time(in);
  policy.meta.expiration = read_time(in);
  policy.meta.cas_required = in.boolean();
  policy.text = in.text();
  TRY(in.finish("policy"));
  if (format != kFormat) return fail(corrupt("policy: unknown format"));
  return policy;
}

}  // namespace bulla::auth
