// auth/<mount>/role/:role_name/secret-id/lookup, …/destroy, the same by
// accessor, and tidy/secret-id.

#include <fmt/format.h>

#include "auth/approle/approle.h"
#include "base/json_writer.h"
#include "base/time_format.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

std::string entry_json(const SecretId& entry) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.key("cidr_list").strings(entry.cidr_list);
  out.member("creation_time", format_rfc3339_nano(entry.creation_time))
      .member("expiration_time",
              entry.expiration_time
                  ? format_rfc3339_nano(*entry.expiration_time)
                  : std::string("0001-01-01T00:00:00Z"))
      .member("last_updated_time",
              format_rfc3339_nano(entry.last_updated_time));
  out.key("metadata").begin_object();
  for (const auto& [name, value] : entry.metadata) out.member(name, value);
  out.end_object()
      .member("secret_id_accessor", entry.accessor)
      .member("secret_id_num_uses", entry.num_uses)
      .member("secret_id_ttl", entry.ttl.count());
  out.key("token_bound_cidrs").strings(entry.token_bound_cidrs);
  out.end_object();
  return json;
}

std::string unknown_accessor(std::string_view accessor) {
  return fmt::format(
      "failed to find accessor entry for secret_id_accessor: \"{}\"", accessor);
}

}  // namespace

ApproleBackend::Response ApproleBackend::look_up(const Request& request,
                                                 Context& context) {
  const std::string_view secret_id = request.fields.text("secret_id");
  if (secret_id.empty()) return fail(invalid_argument("missing secret_id"));
  TRY_ASSIGN(const AppRole role, require(request, ErrorCode::kInternal));
  TRY_ASSIGN(const auto found, store_.secret_id(role, secret_id));
  if (!found || found->entry.expired(context.now)) {
    return api::Response::none();
  }
  return api::Response::with_data(entry_json(found->entry));
}

ApproleBackend::Response ApproleBackend::destroy(const Request& request,
                                                 Context&) {
  const std::string_view secret_id = request.fields.text("secret_id");
  if (secret_id.empty()) return fail(invalid_argument("missing secret_id"));
  TRY_ASSIGN(const AppRole role, require(request, ErrorCode::kInternal));
  TRY_ASSIGN(const auto found, store_.secret_id(role, secret_id));
  if (found) TRY(store_.destroy(*found));
  return api::Response::none();
}

ApproleBackend::Response ApproleBackend::look_up_accessor(
    const Request& request, Context& context) {
  const std::string_view accessor = request.fields.text("secret_id_accessor");
  if (accessor.empty()) {
    return fail(invalid_argument("missing secret_id_accessor"));
  }
  TRY_ASSIGN(const AppRole role, require(request, ErrorCode::kInternal));
  TRY_ASSIGN(const auto found, store_.by_accessor(accessor));
  if (found && !RoleStore::is_of(*found, role)) return api::Response::none();
  if (!found || found->entry.expired(context.now)) {
    std::string json;
    JsonWriter(json)
        .begin_object()
        .member("error", unknown_accessor(accessor))
        .end_object();
    return api::Response::with_data(std::move(json)).with_status(404);
  }
  return api::Response::with_data(entry_json(found->entry));
}

ApproleBackend::Response ApproleBackend::destroy_accessor(
    const Request& request, Context&) {
  const std::string_view accessor = request.fields.text("secret_id_accessor");
  if (accessor.empty()) {
    return fail(invalid_argument("missing secret_id_accessor"));
  }
  TRY_ASSIGN(const AppRole role, require(request, ErrorCode::kInternal));
  TRY_ASSIGN(const auto found, store_.by_accessor(accessor));
  if (!found) return fail(internal_error(unknown_accessor(accessor)));
  if (!RoleStore::is_of(*found, role)) {
    return fail(ErrorCode::kPermissionDenied, "invalid secret id accessor");
  }
  TRY(store_.destroy(*found));
  return api::Response::none();
}

ApproleBackend::Response ApproleBackend::tidy(const Request&,
                                              Context& context) {
  if (tidying_.exchange(true)) {
    return api::Response::none().warn("Tidy operation already in progress.");
  }
  const auto tidied = store_.tidy(context.now);
  tidying_ = false;
  if (!tidied) return fail(tidied.error());
  return api::Response::none().with_status(202).warn(
      "Tidy operation successfully started. Any information from the "
      "operation will be printed to the server's logs.");
}

void ApproleBackend::add_secret_id_lookup_routes() {
  const api::Field role{"role_name", FieldType::kString, "Name of the role"};
  const api::Field secret_id{"secret_id", FieldType::kString, "The secret id"};
  const api::Field accessor{"secret_id_accessor", FieldType::kString,
                            "The accessor of the secret id"};
  const auto add = [&](std::string_view pattern, const api::Field& field,
                       std::vector<Operation> operations,
                       const api::Handler& handler) {
    api::Route route;
    route.pattern = pattern;
    route.fields = {role, field};
    route.synopsis = "One secret id of a role";
    for (const Operation operation : operations) {
      route.methods.push_back({operation, Cost::kPool, handler, {}});
    }
    routes_.push_back(std::move(route));
  };
  add("role/:role_name/secret-id/lookup", secret_id, {Operation::kUpdate},
      bound(&ApproleBackend::look_up));
  add("role/:role_name/secret-id/destroy", secret_id,
      {Operation::kUpdate, Operation::kDelete},
      bound(&ApproleBackend::destroy));
  add("role/:role_name/secret-id-accessor/lookup", accessor,
      {Operation::kUpdate}, bound(&ApproleBackend::look_up_accessor));
  add("role/:role_name/secret-id-accessor/destroy", accessor,
      {Operation::kUpdate, Operation::kDelete},
      bound(&ApproleBackend::destroy_accessor));
  routes_.push_back(
      {.pattern = "tidy/secret-id",
       .fields = {},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&ApproleBackend::tidy), "Delete what has expired"}},
       .synopsis = "Deletes expired secret ids"});
}

}  // namespace bulla::auth
