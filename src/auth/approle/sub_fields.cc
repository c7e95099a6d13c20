// auth/<mount>/role/:role_name/policies, …/bind-secret-id, …/token-ttl and all
// others that read, write and reset one field of a role.

#include <fmt/format.h>

#include <functional>

#include "auth/approle/approle.h"
#include "base/json_writer.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

void write_list(JsonWriter& out, std::string_view name,
                const std::vector<std::string>& list) {
  out.key(name).strings(list);
}

// Addresses that nothing is said of are null.
void write_blocks(JsonWriter& out, std::string_view name,
                  const std::vector<std::string>& list) {
  out.key(name);
  if (list.empty()) {
    out.null();
    return;
  }
  out.strings(list);
}

}  // namespace

struct ApproleBackend::SubField {
  std::string_view pattern;
  std::vector<api::Field> fields;
  std::function<void(JsonWriter&, const AppRole&)> write;
  std::function<void(AppRole&)> reset;  ///< Null where nothing resets it.
  bool writable = true;
};

const std::vector<ApproleBackend::SubField>& ApproleBackend::sub_fields() {
  static const std::vector<SubField> kFields{
      {"role/:role_name/policies",
       {{"token_policies", FieldType::kCommaStringSlice, "Policies of tokens"},
        {"policies", FieldType::kCommaStringSlice,
         "Old name of token_policies"}},
       [](JsonWriter& out, const AppRole& role) {
         if ((role.tokens.legacy & TokenParams::kPolicies) != 0) {
           write_list(out, "policies", role.tokens.policies);
         }
         write_list(out, "token_policies", role.tokens.policies);
       },
       [](AppRole& role) { role.tokens.policies.clear(); }},
      {"role/:role_name/bound-cidr-list",
       {{"bound_cidr_list", FieldType::kCommaStringSlice,
         "Addresses that logins come from"}},
       [](JsonWriter& out, const AppRole& role) {
         write_blocks(out, "bound_cidr_list", role.secret_id_bound_cidrs);
       },
       [](AppRole& role) { role.secret_id_bound_cidrs.clear(); }},
      {"role/:role_name/secret-id-bound-cidrs",
       {{"secret_id_bound_cidrs", FieldType::kCommaStringSlice,
         "Addresses that logins come from"}},
       [](JsonWriter& out, const AppRole& role) {
         write_blocks(out, "secret_id_bound_cidrs", role.secret_id_bound_cidrs);
       },
       [](AppRole& role) { role.secret_id_bound_cidrs.clear(); }},
      {"role/:role_name/token-bound-cidrs",
       {{"token_bound_cidrs", FieldType::kCommaStringSlice,
         "Addresses that tokens are good from"}},
       [](JsonWriter& out, const AppRole& role) {
         write_blocks(out, "token_bound_cidrs", role.tokens.bound_cidrs);
       },
       [](AppRole& role) { role.tokens.bound_cidrs.clear(); }},
      {"role/:role_name/bind-secret-id",
       {{"bind_secret_id", FieldType::kBool, "Logins need a secret id"}},
       [](JsonWriter& out, const AppRole& role) {
         out.member("bind_secret_id", role.bind_secret_id);
       },
       [](AppRole& role) { role.bind_secret_id = true; }},
      {"role/:role_name/secret-id-num-uses",
       {{"secret_id_num_uses", FieldType::kInt,
         "Logins that a secret id is good for"}},
       [](JsonWriter& out, const AppRole& role) {
         out.member("secret_id_num_uses", role.secret_id_num_uses);
       },
       [](AppRole& role) { role.secret_id_num_uses = 0; }},
      {"role/:role_name/secret-id-ttl",
       {{"secret_id_ttl", FieldType::kDuration,
         "How long a secret id is good"}},
       [](JsonWriter& out, const AppRole& role) {
         out.member("secret_id_ttl", role.secret_id_ttl.count());
       },
       [](AppRole& role) { role.secret_id_ttl = Seconds{0}; }},
      {"role/:role_name/period",
       {{"token_period", FieldType::kDuration, "Each renewal gives this long"},
        {"period", FieldType::kDuration, "Old name of token_period"}},
       [](JsonWriter& out, const AppRole& role) {
         if ((role.tokens.legacy & TokenParams::kPeriod) != 0) {
           out.member("period", role.tokens.period.count());
         }
         out.member("token_period", role.tokens.period.count());
       },
       [](AppRole& role) { role.tokens.period = Seconds{0}; }},
      {"role/:role_name/token-num-uses",
       {{"token_num_uses", FieldType::kInt, "Uses of a token"}},
       [](JsonWriter& out, const AppRole& role) {
         out.member("token_num_uses", role.tokens.num_uses);
       },
       [](AppRole& role) { role.tokens.num_uses = 0; }},
      {"role/:role_name/token-ttl",
       {{"token_ttl", FieldType::kDuration, "How long a token lives"}},
       [](JsonWriter& out, const AppRole& role) {
         out.member("token_ttl", role.tokens.ttl.count());
       },
       [](AppRole& role) { role.tokens.ttl = Seconds{0}; }},
      {"role/:role_name/token-max-ttl",
       {{"token_max_ttl", FieldType::kDuration,
         "The most that renewals reach"}},
       [](JsonWriter& out, const AppRole& role) {
         out.member("token_max_ttl", role.tokens.max_ttl.count());
       },
       [](AppRole& role) { role.tokens.max_ttl = Seconds{0}; }},
      {"role/:role_name/role-id",
       {{"role_id", FieldType::kString, "The role's id"}},
       [](JsonWriter& out, const AppRole& role) {
         out.member("role_id", role.role_id);
       },
       nullptr},
      {"role/:role_name/local-secret-ids",
       {},
       [](JsonWriter& out, const AppRole& role) {
         out.member("local_secret_ids", role.local_secret_ids);
       },
       nullptr,
       false}};
  return kFields;
}

ApproleBackend::Response ApproleBackend::read_sub_field(
    const SubField& field, const Request& request) {
  TRY_ASSIGN(const auto role, store_.find(name_of(request)));
  if (!role) return api::Response::none();
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  field.write(out, *role);
  out.end_object();
  auto response = api::Response::with_data(std::move(json));
  if (field.fields.empty() || field.fields.front().name != "bound_cidr_list") {
    return response;
  }
  return std::move(response).warn(
      "The \"bound_cidr_list\" field is deprecated and will be removed. Please "
      "use \"secret_id_bound_cidrs\" instead.");
}

ApproleBackend::Response ApproleBackend::write_sub_field(
    const SubField& field, const Request& request) {
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(auto found, store_.find(name_of(request)));
  if (!found) return fail(not_found("unsupported path"));
  AppRole& role = *found;
  const std::string former_id = role.role_id;
  bool given = false;
  for (const api::Field& one : field.fields) {
    given = given || request.fields.has(one.name);
  }
  if (!given) {
    return fail(
        invalid_argument(fmt::format("missing {}", field.fields.front().name)));
  }
  TRY(update_app_role(request.fields, false, role));
  TRY(check_constraints(role));
  TRY(store_.store(role, former_id));
  return api::Response::none();
}

ApproleBackend::Response ApproleBackend::reset_sub_field(
    const SubField& field, const Request& request) {
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(auto role, store_.find(name_of(request)));
  if (!role) return api::Response::none();
  field.reset(*role);
  TRY(check_constraints(*role));
  TRY(store_.store(*role, role->role_id));
  return api::Response::none();
}

void ApproleBackend::add_sub_field_route(const SubField& field) {
  api::Route route;
  route.pattern = field.pattern;
  route.fields = field.fields;
  route.fields.push_back({"role_name", FieldType::kString, "Name of the role"});
  route.synopsis = "One field of a role";
  route.methods.push_back({Operation::kRead, Cost::kPool,
                           [this, &field](const Request& r, Context&) {
                             return read_sub_field(field, r);
                           },
                           "Read it"});
  if (field.writable) {
    route.methods.push_back({Operation::kUpdate, Cost::kPool,
                             [this, &field](const Request& r, Context&) {
                               return write_sub_field(field, r);
                             },
                             "Write it"});
  }
  if (field.reset) {
    route.methods.push_back({Operation::kDelete, Cost::kPool,
                             [this, &field](const Request& r, Context&) {
                               return reset_sub_field(field, r);
                             },
                             "Set it back"});
  }
  routes_.push_back(std::move(route));
}

void ApproleBackend::add_sub_field_routes() {
  for (const SubField& field : sub_fields()) add_sub_field_route(field);
}

}  // namespace bulla::auth
