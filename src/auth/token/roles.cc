// auth/token/roles: LIST; roles/:role_name: POST, GET, DELETE.

#include "auth/token/token_role.h"
#include "auth/token_backend.h"
#include "base/json_writer.h"

namespace bulla::auth {
namespace {

std::string role_json(const TokenRole& role) {
  const bool old_period = (role.legacy & TokenRole::kPeriod) != 0;
  const bool old_maximum = (role.legacy & TokenRole::kExplicitMaxTtl) != 0;
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.key("allowed_entity_aliases");
  if (role.allowed_entity_aliases.empty()) {
    out.null();
  } else {
    out.strings(role.allowed_entity_aliases);
  }
  out.key("allowed_policies").strings(role.allowed_policies);
  out.key("allowed_policies_glob").strings(role.allowed_policies_glob);
  if ((role.legacy & TokenRole::kCidrs) != 0 && !role.bound_cidrs.empty()) {
    out.key("bound_cidrs").strings(role.bound_cidrs);
  }
  out.key("disallowed_policies").strings(role.disallowed_policies);
  out.key("disallowed_policies_glob").strings(role.disallowed_policies_glob);
  const std::int64_t maximum = role.explicit_max_ttl.count();
  const std::int64_t period = role.period.count();
  out.member("explicit_max_ttl", old_maximum ? maximum : std::int64_t{0})
      .member("name", role.name)
      .member("orphan", role.orphan)
      .member("path_suffix", role.path_suffix)
      .member("period", old_period ? period : std::int64_t{0})
      .member("renewable", role.renewable);
  if (!role.bound_cidrs.empty()) {
    out.key("token_bound_cidrs").strings(role.bound_cidrs);
  }
  out.member("token_explicit_max_ttl", maximum)
      .member("token_no_default_policy", role.no_default_policy);
  if (role.num_uses > 0) out.member("token_num_uses", role.num_uses);
  out.member("token_period", period);
  if (role.strictly_bind_ip) out.member("token_strictly_bind_ip", true);
  out.member("token_type", role_type_name(role.type)).end_object();
  return json;
}

}  // namespace

Result<std::optional<TokenRole>> TokenBackend::find_role(
    std::string_view name) const {
  TRY_ASSIGN(const auto entry, roles_.get(name));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto role, parse_role(std::string(name), entry->value.expose()));
  return std::optional(std::move(role));
}

TokenBackend::Response TokenBackend::role_write(const Request& request,
                                                Context&) {
  const std::string name(request.param("role_name"));
  if (name.empty()) return fail(invalid_argument("role name cannot be empty"));
  TRY_ASSIGN(auto role, find_role(name));
  if (!role) {
    role.emplace();
    role->name = name;
  }
  TRY_ASSIGN(auto warnings, update_role(request.fields, *role));
  TRY(roles_.put(name, serialize_role(*role).expose()));
  api::Response response;
  response.present = !warnings.empty();
  response.warnings = std::move(warnings);
  return response;
}

TokenBackend::Response TokenBackend::role_read(const Request& request,
                                               Context&) {
  TRY_ASSIGN(const auto role, find_role(request.param("role_name")));
  if (!role) return api::Response::none();
  return api::Response::with_data(role_json(*role));
}

TokenBackend::Response TokenBackend::role_delete(const Request& request,
                                                 Context&) {
  TRY(roles_.remove(request.param("role_name")));
  return api::Response::none();
}

TokenBackend::Response TokenBackend::role_list(const Request& request,
                                               Context&) {
  const std::int64_t limit = request.fields.integer("limit");
  TRY_ASSIGN(const auto names,
             roles_.list({}, request.fields.text("after"),
                         limit > 0 ? static_cast<std::size_t>(limit) : 0));
  if (names.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(names).end_object();
  return api::Response::with_data(std::move(json));
}

Result<bool> TokenBackend::role_exists(const Request& request, Context&) {
  TRY_ASSIGN(const auto role, find_role(request.param("role_name")));
  return role.has_value();
}

void TokenBackend::add_role_routes() {
  using api::Cost;
  using api::FieldType;
  using api::Operation;
  routes_.push_back(
      {.pattern = "roles",
       .fields = {{"after", FieldType::kString, "List after this name"},
                  {"limit", FieldType::kInt, "At most so many"}},
       .methods = {{Operation::kList, Cost::kPool,
                    [this](const Request& r, Context& c) {
                      return role_list(r, c);
                    },
                    "List the token roles"}},
       .synopsis = "The token roles"});
  routes_.push_back(
      {.pattern = "roles/:role_name",
       .fields =
           {{"role_name", FieldType::kString, "Name of the role"},
            {"allowed_policies", FieldType::kCommaStringSlice,
             "Policies that tokens may have"},
            {"disallowed_policies", FieldType::kCommaStringSlice,
             "Policies that tokens may not have"},
            {"allowed_policies_glob", FieldType::kCommaStringSlice,
             "As allowed_policies, with '*' at the ends"},
            {"disallowed_policies_glob", FieldType::kCommaStringSlice,
             "As disallowed_policies, with '*' at the ends"},
            {"allowed_entity_aliases", FieldType::kCommaStringSlice,
             "Entity aliases that tokens may name"},
            {"orphan", FieldType::kBool, "Tokens have no parent", "false"},
            {"renewable", FieldType::kBool, "Tokens may be renewed", "true"},
            {"path_suffix", FieldType::kString, "Appended to tokens' path"},
            {"token_period", FieldType::kSignedDuration,
             "Each renewal gives this long"},
            {"period", FieldType::kSignedDuration, "Old name of token_period"},
            {"token_explicit_max_ttl", FieldType::kSignedDuration,
             "The end of a token's life, whatever its renewals"},
            {"explicit_max_ttl", FieldType::kSignedDuration,
             "Old name of token_explicit_max_ttl"},
            {"token_bound_cidrs", FieldType::kCommaStringSlice,
             "Addresses that tokens may be used from"},
            {"bound_cidrs", FieldType::kCommaStringSlice,
             "Old name of token_bound_cidrs"},
            {"token_strictly_bind_ip", FieldType::kBool,
             "Tokens work from the address that made them", "false"},
            {"token_no_default_policy", FieldType::kBool,
             "Tokens do not get the default policy", "false"},
            {"token_num_uses", FieldType::kInt, "Uses of a token, 0: any"},
            {"token_type", FieldType::kString,
             "service, batch, default-service or default-batch"}},
       .methods =
           {{Operation::kUpdate, Cost::kPool,
             [this](const Request& r, Context& c) { return role_write(r, c); },
             "Write a token role"},
            {Operation::kRead, Cost::kPool,
             [this](const Request& r, Context& c) { return role_read(r, c); },
             "Read a token role"},
            {Operation::kDelete, Cost::kPool,
             [this](const Request& r, Context& c) { return role_delete(r, c); },
             "Delete a token role"}},
       .exists = [this](const Request& r,
                        Context& c) { return role_exists(r, c); },
       .synopsis = "A token role"});
}

}  // namespace bulla::auth
