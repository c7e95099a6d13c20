#include "auth/approle/role_record.h"

#include "base/wire.h"

namespace bulla::auth {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kKeyBytes = 32;

// Names strictly ascending, so that there is one way to write a map.
bool read_map(WireReader& in, std::map<std::string, std::string>& out) {
  const std::uint32_t count = in.u32();
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    std::string name(in.text());
    std::string value(in.text());
    if (!out.empty() && name <= out.rbegin()->first) return false;
    out.emplace_hint(out.end(), std::move(name), std::move(value));
  }
  return !in.failed();
}

}  // namespace

SecretBytes serialize_app_role(const AppRole& role) {
  WireWriter out;
  out.u8(kFormat)
      .text(role.role_id)
      .bytes(role.key.expose())
      .boolean(role.bind_secret_id)
      .boolean(role.local_secret_ids);
  write_texts(out, role.secret_id_bound_cidrs);
  out.i64(role.secret_id_num_uses).i64(role.secret_id_ttl.count());
  write_token_params(out, role.tokens);
  return std::move(out).finish();
}

Result<AppRole> parse_app_role(std::string name, ByteView record) {
  WireReader in(record);
  AppRole role;
  const std::uint8_t format = in.u8();
  role.name = std::move(name);
  role.role_id = in.text();
  role.key = SecretBytes::copy_of(in.bytes());
  role.bind_secret_id = in.boolean();
  role.local_secret_ids = in.boolean();
  read_texts(in, role.secret_id_bound_cidrs);
  role.secret_id_num_uses = in.i64();
  role.secret_id_ttl = Seconds(in.i64());
  TRY(read_token_params(in, role.tokens));
  TRY(in.finish("approle role"));
  if (format != kFormat || role.key.size() != kKeyBytes) {
    return fail(corrupt("approle role: a field is out of its bounds"));
  }
  return role;
}

SecretBytes serialize_secret_id(const SecretId& secret_id) {
  WireWriter out;
  out.u8(kFormat)
      .text(secret_id.accessor)
      .i64(secret_id.num_uses)
      .i64(secret_id.ttl.count())
      .i64(unix_nanos(secret_id.creation_time))
      .i64(unix_nanos(secret_id.last_updated_time))
      .boolean(secret_id.expiration_time.has_value());
  if (secret_id.expiration_time) {
    out.i64(unix_nanos(*secret_id.expiration_time));
  }
  out.u32(static_cast<std::uint32_t>(secret_id.metadata.size()));
  for (const auto& [name, value] : secret_id.metadata) {
    out.text(name).text(value);
  }
  write_texts(out, secret_id.cidr_list);
  write_texts(out, secret_id.token_bound_cidrs);
  return std::move(out).finish();
}

Result<SecretId> parse_secret_id(ByteView record) {
  WireReader in(record);
  SecretId secret_id;
  const std::uint8_t format = in.u8();
  secret_id.accessor = in.text();
  secret_id.num_uses = in.i64();
  secret_id.ttl = Seconds(in.i64());
  secret_id.creation_time = from_unix_nanos(in.i64());
  secret_id.last_updated_time = from_unix_nanos(in.i64());
  if (in.boolean()) secret_id.expiration_time = from_unix_nanos(in.i64());
  const bool sound = read_map(in, secret_id.metadata);
  read_texts(in, secret_id.cidr_list);
  read_texts(in, secret_id.token_bound_cidrs);
  TRY(in.finish("secret id"));
  if (!sound || format != kFormat || secret_id.num_uses < 0) {
    return fail(corrupt("secret id: a field is out of its bounds"));
  }
  return secret_id;
}

}  // namespace bulla::auth
