#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "api/login_method.h"
#include "auth/approle/role_store.h"

namespace bulla::auth {

/// Logins of machines, with a role id and a secret id (reference/auth.md §7).
/// One file a group of endpoints. Role names are lower-cased wherever they
/// enter. Everything runs on the pool.
class ApproleBackend final : public api::Backend, public api::LoginMethod {
 public:
  explicit ApproleBackend(const api::BackendContext& context);

  std::string_view type() const override { return "approle"; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;
  std::string login_name(const api::Request& request) const override;
  std::string_view refusal() const override;
  Result<api::Renewal> renewal(const api::Token& token) const override;
  void tuned(const api::MountConfig& config) override;
  void tick(Time now) override;

 private:
  using Request = api::Request;
  using Context = api::Context;
  using Response = Result<api::Response>;
  struct SubField;

  api::Handler bound(Response (ApproleBackend::*member)(const Request&,
                                                        Context&));

  // roles.cc
  void add_role_routes();
  Response list(const Request& request, Context& context);
  Response read(const Request& request, Context& context);
  Response write(const Request& request, Context& context);
  Response remove(const Request& request, Context& context);
  Result<bool> exists(const Request& request, Context& context);

  // sub_fields.cc: role/:role_name/policies and its like
  static const std::vector<SubField>& sub_fields();
  void add_sub_field_routes();
  void add_sub_field_route(const SubField& field);
  Response read_sub_field(const SubField& field, const Request& request);
  Response write_sub_field(const SubField& field, const Request& request);
  Response reset_sub_field(const SubField& field, const Request& request);

  // secret_ids.cc
  void add_secret_id_routes();
  Response generate(const Request& request, Context& context);
  Response custom(const Request& request, Context& context);
  Response create(const Request& request, Context& context,
                  std::string_view secret_id);
  Response accessors(const Request& request, Context& context);

  // secret_id_lookup.cc
  void add_secret_id_lookup_routes();
  Response look_up(const Request& request, Context& context);
  Response destroy(const Request& request, Context& context);
  Response look_up_accessor(const Request& request, Context& context);
  Response destroy_accessor(const Request& request, Context& context);
  Response tidy(const Request& request, Context& context);

  // login.cc
  void add_login_routes();
  Response log_in(const Request& request, Context& context);

  /// The role that the path names.
  ///   kNotFound, kInvalidArgument, kInternal  `role "x" does not exist`, under
  ///   `missing`.
  Result<AppRole> require(const Request& request, ErrorCode missing) const;
  static std::string name_of(const Request& request);

  RoleStore store_;
  const Clock& clock_;
  const Logger& log_;
  std::atomic<std::int64_t> max_ttl_seconds_{0};  // the mount's; 0: none
  std::mutex write_mutex_;                        // one change of roles at once
  std::atomic<bool> tidying_{false};
  std::atomic<std::int64_t> last_tidy_seconds_{0};
  std::vector<api::Route> routes_;
};

/// Applies what a request sets of a role.
///   kInvalidArgument  the texts of reference/auth.md §7.
Result<void> update_app_role(const api::Fields& fields, bool is_new,
                             AppRole& role);
/// kInternal "at least one constraint should be enabled on the role".
Result<void> check_constraints(const AppRole& role);

}  // namespace bulla::auth
