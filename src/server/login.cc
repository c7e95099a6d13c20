#include "server/login.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "auth/cidr.h"
#include "auth/policy.h"
#include "auth/ttl.h"

namespace bulla::server {
namespace {

// "auth/corp/ldap/" as "corp-ldap".
std::string display_name(std::string_view mount_path, std::string_view name) {
  mount_path.remove_prefix(std::string_view("auth/").size());
  mount_path.remove_suffix(1);
  std::string shown(mount_path);
  std::replace(shown.begin(), shown.end(), '/', '-');
  if (!name.empty()) shown.append("-").append(name);
  return shown;
}

auth::TokenTtls ttls_of(const Core& core, const api::MountConfig& config) {
  auth::TokenTtls ttls{core.config().default_lease_ttl,
                       core.config().max_lease_ttl};
  if (config.default_lease_ttl > Seconds{0}) {
    ttls.default_ttl = config.default_lease_ttl;
  }
  if (config.max_lease_ttl > Seconds{0}) ttls.max_ttl = config.max_lease_ttl;
  return ttls;
}

// The mount decides where it insists, else the user or role, else the mount.
bool is_batch(const api::MountConfig& config, std::string_view wanted) {
  if (config.token_type == "service") return false;
  if (config.token_type == "batch") return true;
  if (wanted == "service" || wanted == "default-service") return false;
  if (wanted == "batch" || wanted == "default-batch") return true;
  return config.token_type == "default-batch";
}

Result<std::vector<std::string>> policies_of(const api::Auth& auth) {
  std::vector<std::string> names = auth.policies;
  if (!auth.no_default_policy) names.emplace_back("default");
  auto policies = auth::canonical_policies(names);
  if (std::ranges::find(policies, "root") != policies.end()) {
    return fail(invalid_argument("auth methods cannot create root tokens"));
  }
  for (const std::string_view internal :
       {"response-wrapping", "control-group"}) {
    if (std::ranges::find(policies, internal) == policies.end()) continue;
    return fail(
        invalid_argument(fmt::format("cannot assign policy \"{}\"", internal)));
  }
  return policies;
}

Result<void> check_batch(const api::Auth& auth) {
  for (const auto& [set, name] :
       {std::pair{auth.explicit_max_ttl > Seconds{0}, "explicit_max_ttl"},
        {auth.num_uses > 0, "num_uses"},
        {auth.period > Seconds{0}, "period"}}) {
    if (!set) continue;
    return fail(invalid_argument(
        fmt::format("batch tokens cannot have \"{}\" set", name)));
  }
  return {};
}

Result<auth::TokenSpec> spec_of(Core& core, const Mount& mount,
                                const api::Request& request, Time now,
                                api::Response& response) {
  const api::Auth& auth = *response.auth;
  auth::TokenSpec spec;
  TRY_ASSIGN(spec.policies, policies_of(auth));
  if (is_batch(mount.config, auth.token_type)) {
    TRY(check_batch(auth));
    spec.type = api::Token::Type::kBatch;
  }
  TRY_ASSIGN(auth::TtlResult granted,
             auth::calculate_ttl(ttls_of(core, mount.config),
                                 {.increment = {},
                                  .ttl = auth.ttl,
                                  .period = auth.period,
                                  .role_max_ttl = auth.max_ttl,
                                  .explicit_max_ttl = auth.explicit_max_ttl,
                                  .start = now},
                                 now));
  std::ranges::move(granted.warnings, std::back_inserter(response.warnings));
  spec.ttl = granted.ttl;
  spec.period = auth.period;
  spec.explicit_max_ttl = auth.explicit_max_ttl;
  spec.num_uses = auth.num_uses;
  spec.meta = auth.metadata;
  spec.display_name = display_name(mount.config.path, auth.display_name);
  spec.path = std::string(request.path);
  spec.bound_cidrs = auth.bound_cidrs;
  spec.renewable = spec.type == api::Token::Type::kService;
  return spec;
}

// From what the login is to give to what it gave.
void tell(const auth::CreatedToken& made, api::Auth& auth) {
  const api::Token& token = *made.token;
  auth.client_token = made.client_token;
  auth.accessor = token.accessor;
  auth.token_policies = token.policies;
  auth.policies = token.policies;
  auth.policies.insert(auth.policies.end(), auth.identity_policies.begin(),
                       auth.identity_policies.end());
  auth.policies = auth::canonical_policies(auth.policies);
  auth.metadata = token.meta;
  auth.lease_duration = token.creation_ttl;
  auth.renewable = token.renewable;
  auth.entity_id = token.entity_id;
  auth.token_type =
      token.type == api::Token::Type::kBatch ? "batch" : "service";
  auth.orphan = true;
  auth.num_uses = token.num_uses;
  auth.display_name = token.display_name;
}

Result<void> make_token(Core& core, const Mount& mount,
                        const api::Request& request, Time now,
                        api::Response& response) {
  if (!auth::cidrs_contain(response.auth->bound_cidrs,
                           request.remote_address)) {
    return fail(permission_denied());
  }
  TRY_ASSIGN(auth::TokenSpec spec,
             spec_of(core, mount, request, now, response));
  if (!response.auth->alias_name.empty()) {
    TRY_ASSIGN(
        const auto entity,
        core.identity().log_in(mount.config.accessor, response.auth->alias_name,
                               response.auth->metadata));
    // Told as any other refusal: no token is made that none may use.
    if (entity->disabled) return fail(permission_denied());
    spec.entity_id = entity->id;
    response.auth->identity_policies = entity->policies;
  }
  TRY_ASSIGN(const auth::CreatedToken made,
             core.tokens().create(std::move(spec)));
  tell(made, *response.auth);
  return {};
}

}  // namespace

bool has_lockout(std::string_view type) {
  return type == "userpass" || type == "approle";
}

Result<api::Response> log_in(Core& core, const Mount& mount,
                             const api::Handler& handler,
                             const api::Request& request,
                             api::Context& context) {
  const std::string& accessor = mount.config.accessor;
  const std::string name = has_lockout(mount.config.type)
                               ? mount.logins->login_name(request)
                               : std::string();
  Lockouts& lockouts = core.lockouts();
  if (!name.empty() && lockouts.locked(accessor, name, context.now)) {
    return fail(permission_denied());
  }
  auto response = handler(request, context);
  if (!response) {
    const bool wrong = response.error().message() == mount.logins->refusal();
    if (wrong && !name.empty()) lockouts.failed(accessor, name, context.now);
    return response;
  }
  if (!response->auth) return response;
  TRY(make_token(core, mount, request, context.now, *response));
  if (!name.empty()) lockouts.forget(accessor, name);
  return response;
}

Result<std::optional<auth::LoginBounds>> login_bounds(Core& core,
                                                      const api::Token& token) {
  if (!token.path.starts_with("auth/") || !token.renewable) {
    return std::optional<auth::LoginBounds>();
  }
  const auto table = core.mounts().table().load();
  const Mount* const mount = table->find(token.path);
  if (mount == nullptr) {
    return fail(
        internal_error("the auth method is no longer there, not renewing"));
  }
  if (!mount->logins) return std::optional<auth::LoginBounds>();
  TRY_ASSIGN(const api::Renewal renewal, mount->logins->renewal(token));
  std::vector<std::string> policies = renewal.policies;
  if (!renewal.no_default_policy) policies.emplace_back("default");
  if (auth::canonical_policies(policies) != token.policies) {
    return fail(internal_error("policies have changed, not renewing"));
  }
  const auth::TokenTtls ttls = ttls_of(core, mount->config);
  auth::LoginBounds bounds;
  bounds.ttl = renewal.ttl > Seconds{0} ? renewal.ttl : ttls.default_ttl;
  bounds.max_ttl = renewal.max_ttl > Seconds{0}
                       ? std::min(renewal.max_ttl, ttls.max_ttl)
                       : ttls.max_ttl;
  bounds.period = renewal.period;
  return bounds;
}

}  // namespace bulla::server
