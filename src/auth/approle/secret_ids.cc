// auth/<mount>/role/:role_name/secret-id, custom-secret-id.

#include <algorithm>

#include "auth/approle/approle.h"
#include "auth/approle/secret_id_input.h"
#include "auth/ttl.h"
#include "base/json_writer.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

std::vector<api::Field> secret_id_fields() {
  return {
      {"role_name", FieldType::kString, "Name of the role"},
      {"metadata", FieldType::kString,
       "What the tokens' metadata are to hold: JSON or name=value pairs"},
      {"cidr_list", FieldType::kCommaStringSlice,
       "Addresses that logins with it come from"},
      {"token_bound_cidrs", FieldType::kCommaStringSlice,
       "Addresses that tokens are good from"},
      {"num_uses", FieldType::kInt, "Logins that it is good for"},
      {"ttl", FieldType::kDuration, "How long it is good"},
  };
}

}  // namespace

ApproleBackend::Response ApproleBackend::create(const Request& request,
                                                Context& context,
                                                std::string_view secret_id) {
  if (secret_id.empty()) return fail(invalid_argument("missing secret_id"));
  TRY_ASSIGN(const AppRole role, require(request, ErrorCode::kNotFound));
  if (!role.bind_secret_id) {
    return fail(invalid_argument("bind_secret_id is not set on the role"));
  }
  if (secret_id.size() > RoleStore::kSecretIdBytesMax) {
    return fail(invalid_argument("secret_id is longer than 4096 bytes"));
  }
  TRY_ASSIGN(SecretId entry, read_secret_id(request.fields, role));
  if (const Seconds most{max_ttl_seconds_}; most > Seconds{0}) {
    entry.ttl = std::min(entry.ttl, most);
  }
  entry.accessor = context.rng->uuid();
  entry.creation_time = context.now;
  entry.last_updated_time = context.now;
  if (entry.ttl > Seconds{0}) {
    entry.expiration_time = expiry_after(context.now, entry.ttl);
  }
  TRY(store_.add(role, secret_id, entry));
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("secret_id", secret_id)
      .member("secret_id_accessor", entry.accessor)
      .member("secret_id_num_uses", entry.num_uses)
      .member("secret_id_ttl", entry.ttl.count())
      .end_object();
  return api::Response::with_data(std::move(json));
}

ApproleBackend::Response ApproleBackend::generate(const Request& request,
                                                  Context& context) {
  return create(request, context, context.rng->uuid());
}

ApproleBackend::Response ApproleBackend::custom(const Request& request,
                                                Context& context) {
  return create(request, context, request.fields.text("secret_id"));
}

ApproleBackend::Response ApproleBackend::accessors(const Request& request,
                                                   Context&) {
  TRY_ASSIGN(const AppRole role, require(request, ErrorCode::kInvalidArgument));
  TRY_ASSIGN(const auto accessors, store_.accessors(role));
  if (accessors.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(accessors).end_object();
  return api::Response::with_data(std::move(json));
}

void ApproleBackend::add_secret_id_routes() {
  routes_.push_back(
      {.pattern = "role/:role_name/secret-id",
       .fields = secret_id_fields(),
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&ApproleBackend::generate), "Make a secret id"},
                   {Operation::kList, Cost::kPool,
                    bound(&ApproleBackend::accessors),
                    "List the accessors of secret ids"}},
       .synopsis = "The secret ids of a role"});
  std::vector<api::Field> fields = secret_id_fields();
  fields.push_back({"secret_id", FieldType::kString, "The secret id"});
  routes_.push_back(
      {.pattern = "role/:role_name/custom-secret-id",
       .fields = std::move(fields),
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&ApproleBackend::custom), "Register a secret id"}},
       .synopsis = "A secret id that the caller chose"});
}

}  // namespace bulla::auth
