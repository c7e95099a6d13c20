#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "api/login_method.h"
#include "auth/userpass/user_record.h"

namespace bulla::auth {

/// Logins with a name and a password (reference/auth.md §6). One file a group
/// of endpoints. Names are lower-cased wherever they enter. A login computes a
/// hash, so it answers would_compute() on a loop.
class UserpassBackend final : public api::Backend, public api::LoginMethod {
 public:
  explicit UserpassBackend(const api::BackendContext& context);

  std::string_view type() const override { return "userpass"; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;
  std::string login_name(const api::Request& request) const override;
  std::string_view refusal() const override;
  Result<api::Renewal> renewal(const api::Token& token) const override;

 private:
  using Request = api::Request;
  using Context = api::Context;
  using Response = Result<api::Response>;

  // users.cc
  void add_user_routes();
  Response list(const Request& request, Context& context);
  Response read(const Request& request, Context& context);
  Response write(const Request& request, Context& context);
  Response remove(const Request& request, Context& context);
  Result<bool> exists(const Request& request, Context& context);
  Response write_password(const Request& request, Context& context);
  Response write_policies(const Request& request, Context& context);
  Result<PasswordHash> new_password(const Request& request, Context& context);
  Result<User> require(std::string_view name) const;
  Result<std::optional<User>> find(std::string_view name) const;
  Result<void> store(std::string_view name, const User& user) const;

  // login.cc
  void add_login_routes();
  Response log_in(const Request& request, Context& context);

  barrier::View users_;
  crypto::Rng& rng_;
  const bool fips_mode_;
  std::mutex write_mutex_;  // one change of users at a time
  std::vector<api::Route> routes_;
};

}  // namespace bulla::auth
