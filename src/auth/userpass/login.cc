// auth/<mount>/login/:username.

#include "api/field_convert.h"
#include "auth/userpass/userpass.h"

namespace bulla::auth {

// Nobody's password takes as long and is refused in the same words, so that
// names cannot be guessed.
UserpassBackend::Response UserpassBackend::log_in(const Request& request,
                                                  Context& context) {
  const std::string_view password = request.fields.text("password");
  if (password.empty()) return fail(internal_error("missing password"));
  if (!context.may_block) return fail(would_compute());
  const std::string name = login_name(request);
  TRY_ASSIGN(const auto user, find(name));
  TRY_ASSIGN(const bool matches,
             password_matches(user ? &user->password : nullptr, password));
  if (!matches) return fail(invalid_argument(std::string(refusal())));
  auto auth = std::make_unique<api::Auth>();
  apply_token_params(user->tokens, request.remote_address, *auth);
  auth->metadata = {{"username", name}};
  auth->display_name = name;
  auth->alias_name = name;
  api::Response response;
  response.present = true;
  response.auth = std::move(auth);
  return response;
}

void UserpassBackend::add_login_routes() {
  using api::FieldType;
  routes_.push_back(
      {.pattern = "login/:username",
       .fields = {{"username", FieldType::kString, "Who logs in"},
                  {"password", FieldType::kString, "The user's password"}},
       .methods = {{api::Operation::kUpdate, api::Cost::kInline,
                    [this](const Request& r, Context& c) {
                      return log_in(r, c);
                    },
                    "Log in"}},
       .synopsis = "Log in with a name and a password",
       .unauthenticated = true});
}

}  // namespace bulla::auth
