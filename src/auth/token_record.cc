#include "auth/token_record.h"

#include "base/wire.h"

namespace bulla::auth {
namespace {

constexpr std::uint8_t kFormat = 1;

void write_texts(WireWriter& out, const std::vector<std::string>& texts) {
  out.u32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.text(text);
}

void write_time(WireWriter& out, const std::optional<Time>& time) {
  out.boolean(time.has_value());
  if (time) out.i64(unix_nanos(*time));
}

// Each element takes at least its length's four bytes, so a count that the rest
// cannot hold is refused before anything is reserved.
std::uint32_t read_count(WireReader& in) {
  const std::uint32_t count = in.u32();
  return count <= in.remaining() / 4 ? count : UINT32_MAX;
}

bool read_texts(WireReader& in, std::vector<std::string>& out) {
  const std::uint32_t count = read_count(in);
  if (in.failed() || count == UINT32_MAX) return false;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    out.emplace_back(in.text());
  }
  return !in.failed();
}

// Names strictly ascending, so that there is one way to write a map.
bool read_meta(WireReader& in, std::map<std::string, std::string>& out) {
  const std::uint32_t count = read_count(in);
  if (in.failed() || count == UINT32_MAX) return false;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    std::string name(in.text());
    std::string value(in.text());
    if (!out.empty() && name <= out.rbegin()->first) return false;
    out.emplace_hint(out.end(), std::move(name), std::move(value));
  }
  return !in.failed();
}

void read_time(WireReader& in, std::optional<Time>& out) {
  if (in.boolean()) out = from_unix_nanos(in.i64());
}

}  // namespace

SecretBytes serialize_token(const api::Token& token) {
  WireWriter out;
  out.u8(kFormat)
      .u8(static_cast<std::uint8_t>(token.type))
      .text(token.accessor)
      .text(token.parent);
  write_texts(out, token.policies);
  out.u32(static_cast<std::uint32_t>(token.meta.size()));
  for (const auto& [name, value] : token.meta) out.text(name).text(value);
  out.text(token.display_name)
      .text(token.path)
      .text(token.role)
      .text(token.entity_id);
  write_texts(out, token.bound_cidrs);
  out.i64(unix_nanos(token.creation_time)).i64(unix_nanos(token.issue_time));
  write_time(out, token.last_renewal_time);
  write_time(out, token.expire_time);
  out.i64(token.creation_ttl.count())
      .i64(token.explicit_max_ttl.count())
      .i64(token.period.count())
      .i64(token.num_uses)
      .boolean(token.renewable)
      .boolean(token.orphan);
  return std::move(out).finish();
}

Result<std::shared_ptr<const api::Token>> parse_token(std::string hash,
                                                      ByteView record) {
  auto token = std::make_shared<api::Token>();
  WireReader in(record);
  const std::uint8_t format = in.u8();
  const std::uint8_t type = in.u8();
  token->hash = std::move(hash);
  token->type = static_cast<api::Token::Type>(type);
  token->accessor = in.text();
  token->parent = in.text();
  bool sound = read_texts(in, token->policies) && read_meta(in, token->meta);
  token->display_name = in.text();
  token->path = in.text();
  token->role = in.text();
  token->entity_id = in.text();
  sound = sound && read_texts(in, token->bound_cidrs);
  token->creation_time = from_unix_nanos(in.i64());
  token->issue_time = from_unix_nanos(in.i64());
  read_time(in, token->last_renewal_time);
  read_time(in, token->expire_time);
  token->creation_ttl = Seconds(in.i64());
  token->explicit_max_ttl = Seconds(in.i64());
  token->period = Seconds(in.i64());
  token->num_uses = in.i64();
  token->renewable = in.boolean();
  token->orphan = in.boolean();
  TRY(in.finish("token"));
  if (!sound || format != kFormat || type > 1 ||
      token->num_uses < kUsesExhausted) {
    return fail(corrupt("token: a field is out of its bounds"));
  }
  return std::shared_ptr<const api::Token>(std::move(token));
}

}  // namespace bulla::auth
