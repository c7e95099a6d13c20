// auth/<mount>/login.

#include <fmt/format.h>

#include "auth/approle/approle.h"
#include "auth/cidr.h"

namespace bulla::auth {
namespace {

Error refused(std::string_view text) {
  return invalid_argument(std::string(text));
}

Result<void> check_source(const std::vector<std::string>& blocks,
                          std::string_view address, std::string_view how) {
  if (cidrs_contain(blocks, address)) return {};
  return fail(invalid_argument(
      fmt::format("source address \"{}\" unauthorized {}", address, how)));
}

}  // namespace

ApproleBackend::Response ApproleBackend::log_in(const Request& request,
                                                Context& context) {
  const std::string_view role_id = request.fields.text("role_id");
  const std::string_view secret_id = request.fields.text("secret_id");
  if (role_id.empty()) return fail(internal_error("missing role_id"));
  TRY_ASSIGN(const auto role, store_.find_by_id(role_id));
  if (!role) return fail(refused(refusal()));
  auto auth = std::make_unique<api::Auth>();
  apply_token_params(role->tokens, request.remote_address, *auth);
  TRY(check_source(role->secret_id_bound_cidrs, request.remote_address,
                   "by CIDR restrictions on the role"));
  if (role->bind_secret_id) {
    if (secret_id.empty()) return fail(invalid_argument("missing secret_id"));
    TRY_ASSIGN(const auto found, store_.secret_id(*role, secret_id));
    if (!found || found->entry.expired(context.now))
      return fail(refused(refusal()));
    TRY(check_source(found->entry.cidr_list, request.remote_address,
                     "through CIDR restrictions on the secret ID"));
    auto used = store_.use(*role, secret_id, context.now);
    if (!used) {
      const bool gone = used.error().code() == ErrorCode::kNotFound;
      return fail(gone ? refused(refusal()) : used.error());
    }
    auth->metadata = found->entry.metadata;
    if (!found->entry.token_bound_cidrs.empty()) {
      auth->bound_cidrs = found->entry.token_bound_cidrs;
    }
  }
  auth->metadata.insert_or_assign("role_name", role->name);
  auth->alias_name = role->role_id;
  api::Response response;
  response.present = true;
  response.auth = std::move(auth);
  return response;
}

void ApproleBackend::add_login_routes() {
  using api::FieldType;
  routes_.push_back(
      {.pattern = "login",
       .fields = {{"role_id", FieldType::kString, "The id of the role"},
                  {"secret_id", FieldType::kString, "A secret id of the role"}},
       .methods = {{api::Operation::kUpdate, api::Cost::kPool,
                    bound(&ApproleBackend::log_in), "Log in"}},
       .synopsis = "Log in with a role id and a secret id",
       .unauthenticated = true});
}

}  // namespace bulla::auth
