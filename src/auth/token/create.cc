// auth/token/create, create-orphan, create/:role_name.

#include <fmt/format.h>

#include "auth/token/creation.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

std::vector<api::Field> create_fields() {
  return {
      {"role_name", FieldType::kString, "Name of the role"},
      {"policies", FieldType::kStringSlice, "Policies of the token"},
      {"meta", FieldType::kKvPairs, "Metadata of the token"},
      {"ttl", FieldType::kSignedDuration, "How long the token lives"},
      {"lease", FieldType::kSignedDuration, "Old name of ttl"},
      {"explicit_max_ttl", FieldType::kSignedDuration,
       "The end of the token's life, whatever its renewals"},
      {"period", FieldType::kSignedDuration, "Each renewal gives this long"},
      {"renewable", FieldType::kBool, "The token may be renewed", "true"},
      {"num_uses", FieldType::kInt, "Uses of the token, 0: any"},
      {"display_name", FieldType::kString, "Name of the token, for audit"},
      {"no_parent", FieldType::kBool, "The token has no parent", "false"},
      {"no_default_policy", FieldType::kBool,
       "The token does not get the default policy", "false"},
      {"id", FieldType::kString, "The token itself, instead of a random one"},
      {"type", FieldType::kString, "service or batch"},
      {"entity_alias", FieldType::kString, "Alias of the token's entity"},
  };
}

}  // namespace

TokenBackend::Response TokenBackend::create(const Request& request,
                                            Context& context, bool orphan) {
  Creation creation{request, context, orphan};
  return create_common(creation);
}

TokenBackend::Response TokenBackend::create_by_role(const Request& request,
                                                    Context& context) {
  const std::string_view name = request.param("role_name");
  TRY_ASSIGN(const auto role, find_role(name));
  if (!role) {
    return fail(invalid_argument(fmt::format("unknown role {}", name)));
  }
  Creation creation{request, context, false, &*role};
  return create_common(creation);
}

TokenBackend::Response TokenBackend::create_common(Creation& creation) {
  TRY(check_parent(creation));
  TRY(read_type(creation));
  TRY(read_uses_and_id(creation));
  TRY(read_policies(creation));
  TRY(check_policies(creation));
  read_names(creation);
  TRY(read_parentage(creation));
  TRY(read_ttls(creation));
  TRY(check_custom_id(creation.spec.id));
  TRY_ASSIGN(const CreatedToken created,
             tokens_.create(std::move(creation.spec)));
  return created_response(creation, created);
}

api::Response TokenBackend::created_response(
    Creation& creation, const CreatedToken& created) const {
  const api::Token& token = *created.token;
  api::Response response;
  response.present = true;
  response.warnings = std::move(creation.warnings);
  for (const std::string& name : token.policies) {
    if (policies_.get(name)) continue;
    response.warnings.push_back(
        fmt::format("Policy \"{}\" does not exist", name));
  }
  auto auth = std::make_unique<api::Auth>();
  auth->client_token = created.client_token;
  auth->accessor = token.accessor;
  auth->policies = token.policies;
  auth->token_policies = token.policies;
  auth->metadata = token.meta;
  auth->lease_duration = token.creation_ttl;
  auth->renewable = token.renewable;
  auth->entity_id = token.entity_id;
  auth->token_type =
      token.type == api::Token::Type::kBatch ? "batch" : "service";
  auth->orphan = token.orphan;
  auth->display_name = token.display_name;
  auth->num_uses = token.num_uses;
  response.auth = std::move(auth);
  return response;
}

void TokenBackend::add_create_routes() {
  routes_.push_back({.pattern = "create",
                     .fields = create_fields(),
                     .methods = {{Operation::kUpdate, Cost::kPool,
                                  [this](const Request& r, Context& c) {
                                    return create(r, c, false);
                                  },
                                  "Create a token"}},
                     .synopsis = "Create a token"});
  routes_.push_back({.pattern = "create-orphan",
                     .fields = create_fields(),
                     .methods = {{Operation::kUpdate, Cost::kPool,
                                  [this](const Request& r, Context& c) {
                                    return create(r, c, true);
                                  },
                                  "Create a token without a parent"}},
                     .synopsis = "Create a token without a parent"});
  routes_.push_back({.pattern = "create/:role_name",
                     .fields = create_fields(),
                     .methods = {{Operation::kUpdate, Cost::kPool,
                                  [this](const Request& r, Context& c) {
                                    return create_by_role(r, c);
                                  },
                                  "Create a token as a role says"}},
                     .synopsis = "Create a token as a role says"});
}

}  // namespace bulla::auth
