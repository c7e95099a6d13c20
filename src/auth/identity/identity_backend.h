#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "auth/identity/identity_store.h"
#include "base/json_writer.h"

namespace bulla::auth {

/// identity/: entities and their aliases, as far as tokens and policies need
/// them; there are no groups. One file a group of endpoints. Everything runs on
/// the pool.
class IdentityBackend final : public api::Backend {
 public:
  struct MountOf {
    std::string path;
    std::string type;
  };
  /// The auth method with that accessor.
  using FindMount =
      std::function<std::optional<MountOf>(std::string_view accessor)>;

  IdentityBackend(IdentityStore& store, FindMount find_mount);

  std::string_view type() const override { return "identity"; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;

 private:
  using Request = api::Request;
  using Context = api::Context;
  using Response = Result<api::Response>;
  using EntityPtr = std::shared_ptr<const Entity>;

  api::Handler bound(Response (IdentityBackend::*member)(const Request&,
                                                         Context&));

  // entities.cc
  void add_entity_routes();
  Response write(const Request& request, Context& context);
  Response read(const Request& request, Context& context);
  Response remove(const Request& request, Context& context);
  Response list_ids(const Request& request, Context& context);
  Response list_names(const Request& request, Context& context);
  Response look_up(const Request& request, Context& context);
  Result<EntityPtr> named(const Request& request) const;
  std::string entity_json(const Entity& entity) const;

  // aliases.cc
  void add_alias_routes();
  Response write_alias(const Request& request, Context& context);
  Response read_alias(const Request& request, Context& context);
  Response remove_alias(const Request& request, Context& context);
  Response list_aliases(const Request& request, Context& context);
  Result<EntityPtr> owner_of(std::string_view alias_id) const;
  void write_alias_json(JsonWriter& out, const Entity& entity,
                        const Alias& alias) const;

  IdentityStore& store_;
  FindMount find_mount_;
  std::vector<api::Route> routes_;
};

}  // namespace bulla::auth
