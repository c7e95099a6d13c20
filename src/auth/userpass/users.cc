// auth/<mount>/users, users/:username, users/:username/password, …/policies.

#include "api/field_convert.h"
#include "auth/userpass/userpass.h"
#include "base/json_writer.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

constexpr LegacyNames kOldNames = TokenParams::kPolicies | TokenParams::kTtl |
                                  TokenParams::kMaxTtl | TokenParams::kCidrs;

std::string user_json(const User& user) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  write_legacy_params(out, user.tokens);
  write_token_params(out, user.tokens);
  out.end_object();
  return json;
}

std::string name_of(const api::Request& request) {
  return api::lower_case(request.param("username"));
}

const api::Field kPassword{"password", FieldType::kString,
                           "The user's password"};
const api::Field kUsername{"username", FieldType::kString, "Name of the user"};

}  // namespace

Result<User> UserpassBackend::require(std::string_view name) const {
  TRY_ASSIGN(auto user, find(name));
  if (!user) return fail(internal_error("username does not exist"));
  return *std::move(user);
}

Result<PasswordHash> UserpassBackend::new_password(const Request& request,
                                                   Context& context) {
  const std::string_view password = request.fields.text("password");
  if (request.fields.has("password_hash")) {
    return fail(invalid_argument(
        "password_hash is not taken here: bulla keeps passwords as Argon2id "
        "hashes that it makes itself; send the password"));
  }
  if (password.empty()) {
    return fail(
        invalid_argument("must provide either password or password_hash"));
  }
  if (fips_mode_) {
    return fail(invalid_argument(
        "fips_mode has no hash for passwords: use another auth method"));
  }
  return hash_password(password, *context.rng);
}

UserpassBackend::Response UserpassBackend::list(const Request& request,
                                                Context&) {
  const std::int64_t limit = request.fields.integer("limit");
  TRY_ASSIGN(const auto names,
             users_.list({}, request.fields.text("after"),
                         limit > 0 ? static_cast<std::size_t>(limit) : 0));
  if (names.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(names).end_object();
  return api::Response::with_data(std::move(json));
}

UserpassBackend::Response UserpassBackend::read(const Request& request,
                                                Context&) {
  TRY_ASSIGN(const auto user, find(name_of(request)));
  if (!user) return api::Response::none();
  return api::Response::with_data(user_json(*user));
}

UserpassBackend::Response UserpassBackend::write(const Request& request,
                                                 Context& context) {
  const std::string name = name_of(request);
  // Hashed before anything is locked.
  std::optional<PasswordHash> password;
  const bool given = !request.fields.text("password").empty() ||
                     request.fields.has("password_hash");
  if (given) {
    TRY_ASSIGN(password, new_password(request, context));
  }
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(auto user, find(name));
  if (!user && !password) {
    TRY_ASSIGN(password, new_password(request, context));
  }
  if (!user) user.emplace();
  if (password) user->password = *std::move(password);
  TRY(update_token_params(request.fields, kOldNames, user->tokens));
  TRY(store(name, *user));
  return api::Response::none();
}

UserpassBackend::Response UserpassBackend::remove(const Request& request,
                                                  Context&) {
  const std::lock_guard lock(write_mutex_);
  TRY(users_.remove(name_of(request)));
  return api::Response::none();
}

Result<bool> UserpassBackend::exists(const Request& request, Context&) {
  TRY_ASSIGN(const auto entry, users_.get(name_of(request)));
  return entry.has_value();
}

UserpassBackend::Response UserpassBackend::write_password(
    const Request& request, Context& context) {
  const std::string name = name_of(request);
  TRY(require(name));
  TRY_ASSIGN(PasswordHash password, new_password(request, context));
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(User user, require(name));
  user.password = std::move(password);
  TRY(store(name, user));
  return api::Response::none();
}

UserpassBackend::Response UserpassBackend::write_policies(
    const Request& request, Context&) {
  const std::string name = name_of(request);
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(User user, require(name));
  TRY(update_token_params(request.fields, TokenParams::kPolicies, user.tokens));
  TRY(store(name, user));
  return api::Response::none();
}

void UserpassBackend::add_user_routes() {
  const auto bound = [this](auto member) {
    return [this, member](const Request& request, Context& context) {
      return (this->*member)(request, context);
    };
  };
  routes_.push_back(
      {.pattern = "users",
       .fields = {{"after", FieldType::kString, "List after this name"},
                  {"limit", FieldType::kInt, "At most so many"}},
       .methods = {{Operation::kList, Cost::kPool,
                    bound(&UserpassBackend::list), "List the users"}},
       .synopsis = "The users"});
  std::vector<api::Field> fields = token_param_fields(kOldNames);
  fields.push_back(kUsername);
  fields.push_back(kPassword);
  fields.push_back({"password_hash", FieldType::kString, "Not taken"});
  routes_.push_back(
      {.pattern = "users/:username",
       .fields = std::move(fields),
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&UserpassBackend::write), "Write a user"},
                   {Operation::kRead, Cost::kPool,
                    bound(&UserpassBackend::read), "Read a user"},
                   {Operation::kDelete, Cost::kPool,
                    bound(&UserpassBackend::remove), "Delete a user"}},
       .exists = bound(&UserpassBackend::exists),
       .synopsis = "A user"});
  routes_.push_back(
      {.pattern = "users/:username/password",
       .fields = {kUsername,
                  kPassword,
                  {"password_hash", FieldType::kString, "Not taken"}},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&UserpassBackend::write_password),
                    "Change a user's password"}},
       .synopsis = "A user's password"});
  routes_.push_back({.pattern = "users/:username/policies",
                     .fields = {kUsername,
                                {"token_policies", FieldType::kCommaStringSlice,
                                 "Policies of tokens"},
                                {"policies", FieldType::kCommaStringSlice,
                                 "The old name of token_policies"}},
                     .methods = {{Operation::kUpdate, Cost::kPool,
                                  bound(&UserpassBackend::write_policies),
                                  "Change a user's policies"}},
                     .synopsis = "A user's policies"});
}

}  // namespace bulla::auth
