#include "auth/userpass/user_record.h"

namespace bulla::auth {
namespace {

constexpr std::uint8_t kFormat = 1;

}  // namespace

SecretBytes serialize_user(const User& user) {
  WireWriter out;
  out.u8(kFormat);
  write_password_hash(out, user.password);
  write_token_params(out, user.tokens);
  return std::move(out).finish();
}

Result<User> parse_user(ByteView record) {
  WireReader in(record);
  if (in.u8() != kFormat) return fail(corrupt("user: unknown format"));
  User user;
  TRY_ASSIGN(user.password, read_password_hash(in));
  TRY(read_token_params(in, user.tokens));
  TRY(in.finish("user"));
  return user;
}

}  // namespace bulla::auth
