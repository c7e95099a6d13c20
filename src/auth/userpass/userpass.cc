#include "auth/userpass/userpass.h"

#include "api/field_convert.h"

namespace bulla::auth {

UserpassBackend::UserpassBackend(const api::BackendContext& context)
    : users_(context.storage.sub("user/")),
      rng_(context.rng),
      fips_mode_(context.fips_mode) {
  add_user_routes();
  add_login_routes();
}

std::string_view UserpassBackend::help() const {
  return "The userpass auth method gives tokens for a name and a password. "
         "Users are written at users/:username; they log in at "
         "login/:username.";
}

std::string UserpassBackend::login_name(const api::Request& request) const {
  return api::lower_case(request.param("username"));
}

std::string_view UserpassBackend::refusal() const {
  return "invalid username or password";
}

Result<api::Renewal> UserpassBackend::renewal(const api::Token& token) const {
  const auto name = token.meta.find("username");
  if (name == token.meta.end()) {
    return fail(internal_error("the token names no user, not renewing"));
  }
  TRY_ASSIGN(const auto user, find(name->second));
  if (!user) {
    return fail(internal_error("the user is no longer there, not renewing"));
  }
  return renewal_of(user->tokens);
}

Result<std::optional<User>> UserpassBackend::find(std::string_view name) const {
  TRY_ASSIGN(const auto entry, users_.get(name));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(User user, parse_user(entry->value.expose()));
  return std::optional(std::move(user));
}

Result<void> UserpassBackend::store(std::string_view name,
                                    const User& user) const {
  return users_.put(name, serialize_user(user).expose());
}

}  // namespace bulla::auth
