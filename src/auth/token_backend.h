#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "auth/login_bounds.h"
#include "auth/policy_store.h"
#include "auth/token_store.h"
#include "auth/ttl.h"
#include "base/published.h"

namespace bulla::auth {

struct TokenRole;

/// auth/token/: creating, looking up, renewing and revoking tokens, and the
/// roles that tokens are created by (reference/auth.md §2). One file a group of
/// endpoints under auth/token/. Everything runs on the pool, except a look-up
/// of one's own token.
class TokenBackend final : public api::Backend {
 public:
  /// `ttls` are the system's; a mount's own stand before them. `login_bounds`
  /// (null: there are no logins) is asked at renewals.
  TokenBackend(api::BackendContext context, TokenStore& tokens,
               PolicyStore& policies, TokenTtls ttls,
               FindLoginBounds login_bounds = nullptr);
  ~TokenBackend() override;

  std::string_view type() const override { return "token"; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;
  void tuned(const api::MountConfig& config) override;

 private:
  using Request = api::Request;
  using Context = api::Context;
  using Response = Result<api::Response>;
  struct Creation;

  void add_create_routes();
  void add_lookup_routes();
  void add_renew_routes();
  void add_revoke_routes();
  void add_accessor_routes();
  void add_role_routes();

  // token/create.cc, token/create_spec.cc, token/create_policies.cc
  Response create(const Request& request, Context& context, bool orphan);
  Response create_by_role(const Request& request, Context& context);
  Response create_common(Creation& creation);
  Result<void> check_parent(const Creation& creation) const;
  Result<void> read_type(Creation& creation) const;
  Result<void> read_uses_and_id(Creation& creation) const;
  Result<void> read_policies(Creation& creation) const;
  Result<void> check_policies(const Creation& creation) const;
  Result<void> read_parentage(Creation& creation) const;
  Result<void> read_ttls(Creation& creation) const;
  void read_names(Creation& creation) const;
  api::Response created_response(Creation& creation,
                                 const CreatedToken& created) const;

  // token/lookup.cc
  Response lookup(const Request& request, Context& context);
  Response lookup_self(const Request& request, Context& context);
  Response lookup_accessor(const Request& request, Context& context);
  std::string lookup_json(const api::Token& token, std::string_view id) const;

  // token/renew.cc
  Response renew(const Request& request, Context& context);
  Response renew_self(const Request& request, Context& context);
  Response renew_accessor(const Request& request, Context& context);
  Response renew_token(const api::Token& token, std::string_view id,
                       Seconds increment);
  Result<Seconds> bound_renewal(api::Token& token, Seconds& increment) const;

  // token/revoke.cc
  Response revoke(const Request& request, Context& context);
  Response revoke_self(const Request& request, Context& context);
  Response revoke_accessor(const Request& request, Context& context);
  Response revoke_orphan(const Request& request, Context& context);

  // token/accessors.cc
  Response accessors(const Request& request, Context& context);
  Response tidy(const Request& request, Context& context);

  // token/roles.cc
  Response role_write(const Request& request, Context& context);
  Response role_read(const Request& request, Context& context);
  Response role_delete(const Request& request, Context& context);
  Response role_list(const Request& request, Context& context);
  Result<bool> role_exists(const Request& request, Context& context);
  Result<std::optional<TokenRole>> find_role(std::string_view name) const;

  /// The mount's own times before the system's.
  TokenTtls ttls() const { return *ttls_.load(); }

  barrier::View roles_;
  const Clock& clock_;
  TokenStore& tokens_;
  PolicyStore& policies_;
  TokenTtls system_ttls_;
  FindLoginBounds login_bounds_;
  Published<TokenTtls> ttls_;
  std::atomic<bool> tidying_{false};
  std::vector<api::Route> routes_;
};

}  // namespace bulla::auth
