#pragma once

#include "auth/token_params.h"
#include "auth/userpass/password_hash.h"

namespace bulla::auth {

/// A user of userpass, as docs/formats/login.md keeps it.
struct User {
  PasswordHash password;
  TokenParams tokens;
};

SecretBytes serialize_user(const User& user);
///   kCorrupt  not such a record.
Result<User> parse_user(ByteView record);

}  // namespace bulla::auth
