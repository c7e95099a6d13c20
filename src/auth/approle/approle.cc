#include "auth/approle/approle.h"

#include <fmt/format.h>

#include "api/field_convert.h"

namespace bulla::auth {
namespace {

constexpr Seconds kTidyInterval{3600};

}  // namespace

ApproleBackend::ApproleBackend(const api::BackendContext& context)
    : store_(context.storage), clock_(context.clock), log_(context.log) {
  ApproleBackend::tuned(context.config);
  add_role_routes();
  add_sub_field_routes();
  add_secret_id_routes();
  add_secret_id_lookup_routes();
  add_login_routes();
}

std::string_view ApproleBackend::help() const {
  return "The approle auth method gives tokens to machines, for the id of a "
         "role and a secret id that was made for it. Roles are written at "
         "role/:role_name; secret ids are made at role/:role_name/secret-id.";
}

void ApproleBackend::tuned(const api::MountConfig& config) {
  max_ttl_seconds_ = config.max_lease_ttl.count();
}

void ApproleBackend::tick(Time now) {
  const std::int64_t seconds = unix_seconds(now);
  if (seconds - last_tidy_seconds_ < kTidyInterval.count()) return;
  last_tidy_seconds_ = seconds;
  if (auto tidied = store_.tidy(now); !tidied) {
    log_.warn("cannot delete expired secret ids",
              {{"error", tidied.error().message()}});
  }
}

api::Handler ApproleBackend::bound(
    Response (ApproleBackend::*member)(const Request&, Context&)) {
  return [this, member](const Request& request, Context& context) {
    return (this->*member)(request, context);
  };
}

std::string ApproleBackend::name_of(const Request& request) {
  return api::lower_case(request.param("role_name"));
}

std::string ApproleBackend::login_name(const api::Request& request) const {
  return std::string(request.fields.text("role_id"));
}

std::string_view ApproleBackend::refusal() const {
  return "invalid role or secret ID";
}

Result<AppRole> ApproleBackend::require(const Request& request,
                                        ErrorCode missing) const {
  const std::string name = name_of(request);
  TRY_ASSIGN(auto role, store_.find(name));
  if (role) return *std::move(role);
  Error error(missing, fmt::format("role \"{}\" does not exist", name));
  if (missing == ErrorCode::kNotFound) return fail(std::move(error).as_plain());
  return fail(std::move(error));
}

Result<api::Renewal> ApproleBackend::renewal(const api::Token& token) const {
  const auto name = token.meta.find("role_name");
  if (name == token.meta.end()) {
    return fail(internal_error("the token names no role, not renewing"));
  }
  TRY_ASSIGN(const auto role, store_.find(name->second));
  if (!role) {
    return fail(internal_error(
        fmt::format("role \"{}\" does not exist during renewal, not renewing",
                    name->second)));
  }
  return renewal_of(role->tokens);
}

}  // namespace bulla::auth
