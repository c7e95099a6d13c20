// identity/entity-alias, entity-alias/id, entity-alias/id/:id.

#include <algorithm>

#include "auth/identity/identity_backend.h"
#include "base/time_format.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

constexpr std::size_t kNameBytesMax = 512;
constexpr std::size_t kAliasesMax = 100;

const Alias* find_alias(const Entity& entity, std::string_view accessor,
                        std::string_view name) {
  for (const Alias& alias : entity.aliases) {
    if (alias.mount_accessor == accessor && alias.name == name) return &alias;
  }
  return nullptr;
}

api::Response told(const Entity& entity, const Alias& alias) {
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("canonical_id", entity.id)
      .member("id", alias.id)
      .end_object();
  return api::Response::with_data(std::move(json));
}

}  // namespace

void IdentityBackend::write_alias_json(JsonWriter& out, const Entity& entity,
                                       const Alias& alias) const {
  const auto mount = find_mount_(alias.mount_accessor).value_or(MountOf{});
  out.begin_object()
      .member("canonical_id", entity.id)
      .member("creation_time", format_rfc3339_nano(alias.creation_time))
      .member("id", alias.id)
      .key("metadata");
  if (alias.metadata.empty()) {
    out.null();
  } else {
    out.begin_object();
    for (const auto& [name, value] : alias.metadata) out.member(name, value);
    out.end_object();
  }
  out.member("mount_accessor", alias.mount_accessor)
      .member("mount_path", mount.path)
      .member("mount_type", mount.type)
      .member("name", alias.name)
      .end_object();
}

// Walks all: aliases are looked up by name, by id only by operators.
Result<IdentityBackend::EntityPtr> IdentityBackend::owner_of(
    std::string_view alias_id) const {
  TRY_ASSIGN(const auto ids, store_.ids());
  for (const std::string& id : ids) {
    TRY_ASSIGN(const EntityPtr entity, store_.find(id));
    if (!entity) continue;
    const bool owns = std::ranges::any_of(
        entity->aliases, [&](const Alias& a) { return a.id == alias_id; });
    if (owns) return entity;
  }
  return EntityPtr();
}

IdentityBackend::Response IdentityBackend::write_alias(const Request& request,
                                                       Context& context) {
  const std::string name(request.fields.text("name"));
  const std::string accessor(request.fields.text("mount_accessor"));
  const std::string_view owner = request.fields.text("canonical_id");
  if (name.empty() || name.size() > kNameBytesMax) {
    return fail(invalid_argument("missing alias name, or longer than 512"));
  }
  if (!find_mount_(accessor)) {
    return fail(invalid_argument("invalid mount accessor"));
  }
  TRY_ASSIGN(const EntityPtr known, store_.find_by_alias(accessor, name));
  if (known && (owner.empty() || known->id == owner)) {
    return told(*known, *find_alias(*known, accessor, name));
  }
  const auto add = [&](Entity& entity) -> Result<void> {
    for (const Alias& alias : entity.aliases) {
      if (alias.mount_accessor != accessor) continue;
      return fail(invalid_argument(
          "the entity has an alias of that auth method already"));
    }
    if (entity.aliases.size() >= kAliasesMax) {
      return fail(invalid_argument("an entity has at most 100 aliases"));
    }
    entity.aliases.push_back({.id = context.rng->uuid(),
                              .mount_accessor = accessor,
                              .name = name,
                              .metadata = {},
                              .creation_time = context.now});
    return {};
  };
  auto changed = store_.change(owner, add);
  if (!changed && changed.error().code() == ErrorCode::kNotFound) {
    return fail(invalid_argument("invalid canonical ID"));
  }
  TRY(changed);
  return told(**changed, (*changed)->aliases.back());
}

IdentityBackend::Response IdentityBackend::read_alias(const Request& request,
                                                      Context&) {
  const std::string_view id = request.fields.text("id");
  TRY_ASSIGN(const EntityPtr entity, owner_of(id));
  if (!entity) return api::Response::none();
  std::string json;
  JsonWriter out(json);
  for (const Alias& alias : entity->aliases) {
    if (alias.id == id) write_alias_json(out, *entity, alias);
  }
  return api::Response::with_data(std::move(json));
}

IdentityBackend::Response IdentityBackend::remove_alias(const Request& request,
                                                        Context&) {
  const std::string_view id = request.fields.text("id");
  TRY_ASSIGN(const EntityPtr entity, owner_of(id));
  if (!entity) return api::Response::none();
  TRY(store_.change(entity->id, [&](Entity& changed) -> Result<void> {
    std::erase_if(changed.aliases, [&](const Alias& a) { return a.id == id; });
    return {};
  }));
  return api::Response::none();
}

IdentityBackend::Response IdentityBackend::list_aliases(const Request&,
                                                        Context&) {
  TRY_ASSIGN(const auto ids, store_.ids());
  std::vector<std::string> keys;
  for (const std::string& id : ids) {
    TRY_ASSIGN(const EntityPtr entity, store_.find(id));
    if (!entity) continue;
    for (const Alias& alias : entity->aliases) keys.push_back(alias.id);
  }
  if (keys.empty()) return api::Response::none();
  std::ranges::sort(keys);
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

void IdentityBackend::add_alias_routes() {
  routes_.push_back(
      {.pattern = "entity-alias",
       .fields = {{"name", FieldType::kString, "Name in the auth method"},
                  {"canonical_id", FieldType::kString, "Id of the entity"},
                  {"mount_accessor", FieldType::kString,
                   "Accessor of the auth method"}},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&IdentityBackend::write_alias), "Add an alias"}},
       .synopsis = "Gives an entity an alias"});
  routes_.push_back({.pattern = "entity-alias/id",
                     .fields = {},
                     .methods = {{Operation::kList, Cost::kPool,
                                  bound(&IdentityBackend::list_aliases),
                                  "List the aliases' ids"}},
                     .synopsis = "The aliases by id"});
  routes_.push_back(
      {.pattern = "entity-alias/id/:id",
       .fields = {{"id", FieldType::kString, "Id of the alias"}},
       .methods = {{Operation::kRead, Cost::kPool,
                    bound(&IdentityBackend::read_alias), "Read an alias"},
                   {Operation::kDelete, Cost::kPool,
                    bound(&IdentityBackend::remove_alias), "Delete an alias"}},
       .synopsis = "An alias"});
}

}  // namespace bulla::auth
