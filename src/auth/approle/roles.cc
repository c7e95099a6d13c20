// auth/<mount>/role, role/:role_name.

#include <fmt/format.h>

#include "auth/approle/approle.h"
#include "base/json_writer.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

constexpr LegacyNames kOldNames = TokenParams::kPolicies | TokenParams::kPeriod;
constexpr std::size_t kRoleIdBytesMax = 4096;

std::string role_json(const AppRole& role) {
  std::string json;
  JsonWriter out(json);
  out.begin_object()
      .member("bind_secret_id", role.bind_secret_id)
      .member("local_secret_ids", role.local_secret_ids);
  write_legacy_params(out, role.tokens);
  out.key("secret_id_bound_cidrs");
  if (role.secret_id_bound_cidrs.empty()) {
    out.null();
  } else {
    out.strings(role.secret_id_bound_cidrs);
  }
  out.member("secret_id_num_uses", role.secret_id_num_uses)
      .member("secret_id_ttl", role.secret_id_ttl.count());
  write_token_params(out, role.tokens);
  out.end_object();
  return json;
}

AppRole new_role(std::string name, crypto::Rng& rng) {
  AppRole role;
  role.name = std::move(name);
  role.role_id = rng.uuid();
  role.key = rng.secret(32);
  return role;
}

Result<void> update_cidrs(const api::Fields& fields, AppRole& role) {
  const std::string_view name = fields.has("secret_id_bound_cidrs")
                                    ? "secret_id_bound_cidrs"
                                    : "bound_cidr_list";
  if (!fields.has(name)) return {};
  const auto texts = fields.strings(name);
  auto blocks = read_cidrs(texts);
  if (!blocks) {
    return fail(internal_error(
        fmt::format("failed to validate CIDR blocks: invalid CIDR address: {}",
                    fmt::join(texts, ","))));
  }
  role.secret_id_bound_cidrs = *std::move(blocks);
  return {};
}

}  // namespace

Result<void> check_constraints(const AppRole& role) {
  if (role.bind_secret_id || !role.secret_id_bound_cidrs.empty() ||
      !role.tokens.bound_cidrs.empty()) {
    return {};
  }
  return fail(
      internal_error("at least one constraint should be enabled on the role"));
}

Result<void> update_app_role(const api::Fields& fields, bool is_new,
                             AppRole& role) {
  TRY(update_token_params(fields, kOldNames, role.tokens));
  role.bind_secret_id = fields.boolean("bind_secret_id", role.bind_secret_id);
  if (fields.has("local_secret_ids")) {
    const bool local = fields.boolean("local_secret_ids");
    if (!is_new && local != role.local_secret_ids) {
      return fail(invalid_argument(
          "local_secret_ids can only be modified during role creation"));
    }
    role.local_secret_ids = local;
  }
  TRY(update_cidrs(fields, role));
  role.secret_id_num_uses =
      fields.integer("secret_id_num_uses", role.secret_id_num_uses);
  if (role.secret_id_num_uses < 0) {
    return fail(invalid_argument("secret_id_num_uses cannot be negative"));
  }
  role.secret_id_ttl = fields.duration("secret_id_ttl", role.secret_id_ttl);
  if (!fields.has("role_id")) return {};
  role.role_id = fields.text("role_id");
  if (!role.role_id.empty() && role.role_id.size() <= kRoleIdBytesMax) {
    return {};
  }
  return fail(invalid_argument(
      "invalid role_id supplied, or failed to generate a role_id"));
}

ApproleBackend::Response ApproleBackend::list(const Request& request,
                                              Context&) {
  const std::int64_t limit = request.fields.integer("limit");
  TRY_ASSIGN(const auto names,
             store_.list(request.fields.text("after"),
                         limit > 0 ? static_cast<std::size_t>(limit) : 0));
  if (names.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(names).end_object();
  return api::Response::with_data(std::move(json));
}

ApproleBackend::Response ApproleBackend::read(const Request& request,
                                              Context&) {
  TRY_ASSIGN(const auto role, store_.find(name_of(request)));
  if (!role) return api::Response::none();
  return api::Response::with_data(role_json(*role));
}

ApproleBackend::Response ApproleBackend::write(const Request& request,
                                               Context& context) {
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(auto role, store_.find(name_of(request)));
  const bool is_new = !role;
  if (is_new) role = new_role(name_of(request), *context.rng);
  const std::string former_id = is_new ? std::string() : role->role_id;
  TRY(update_app_role(request.fields, is_new, *role));
  TRY(check_constraints(*role));
  TRY(store_.store(*role, former_id));
  return api::Response::none();
}

ApproleBackend::Response ApproleBackend::remove(const Request& request,
                                                Context&) {
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(const auto role, store_.find(name_of(request)));
  if (role) TRY(store_.remove(*role));
  return api::Response::none();
}

Result<bool> ApproleBackend::exists(const Request& request, Context&) {
  TRY_ASSIGN(const auto role, store_.find(name_of(request)));
  return role.has_value();
}

void ApproleBackend::add_role_routes() {
  routes_.push_back(
      {.pattern = "role",
       .fields = {{"after", FieldType::kString, "List after this name"},
                  {"limit", FieldType::kInt, "At most so many"}},
       .methods = {{Operation::kList, Cost::kPool, bound(&ApproleBackend::list),
                    "List the roles"}},
       .synopsis = "The roles"});
  std::vector<api::Field> fields = token_param_fields(kOldNames);
  for (api::Field field : std::vector<api::Field>{
           {"role_name", FieldType::kString, "Name of the role"},
           {"bind_secret_id", FieldType::kBool, "Logins need a secret id",
            "true"},
           {"bound_cidr_list", FieldType::kCommaStringSlice,
            "Old name of secret_id_bound_cidrs"},
           {"secret_id_bound_cidrs", FieldType::kCommaStringSlice,
            "Addresses that logins come from"},
           {"secret_id_num_uses", FieldType::kInt,
            "Logins that a secret id is good for, 0: any"},
           {"secret_id_ttl", FieldType::kDuration,
            "How long a secret id is good, 0: for ever"},
           {"role_id", FieldType::kString, "The role's id"},
           {"local_secret_ids", FieldType::kBool, "Kept for compatibility",
            "false"}}) {
    fields.push_back(field);
  }
  routes_.push_back(
      {.pattern = "role/:role_name",
       .fields = std::move(fields),
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&ApproleBackend::write), "Write a role"},
                   {Operation::kRead, Cost::kPool, bound(&ApproleBackend::read),
                    "Read a role"},
                   {Operation::kDelete, Cost::kPool,
                    bound(&ApproleBackend::remove), "Delete a role"}},
       .exists = [this](const Request& request,
                        Context& context) { return exists(request, context); },
       .synopsis = "A role"});
}

}  // namespace bulla::auth
