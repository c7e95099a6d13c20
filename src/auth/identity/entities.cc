// identity/entity, entity/id/:id, entity/name/:name, lookup/entity.

#include <algorithm>

#include "auth/identity/identity_backend.h"
#include "auth/policy.h"
#include "base/time_format.h"

namespace bulla::auth {
namespace {

using api::Cost;
using api::FieldType;
using api::Operation;

constexpr std::size_t kTextBytesMax = 512;
constexpr std::size_t kMetadataMax = 64;

void write_map(JsonWriter& out, std::string_view name,
               const std::map<std::string, std::string>& map) {
  out.key(name);
  if (map.empty()) {
    out.null();
    return;
  }
  out.begin_object();
  for (const auto& [key, value] : map) out.member(key, value);
  out.end_object();
}

Result<void> set_metadata(const api::Fields& fields, Entity& entity) {
  if (!fields.has("metadata")) return {};
  entity.metadata.clear();
  for (auto& [name, value] : fields.pairs("metadata")) {
    if (name.size() > kTextBytesMax || value.size() > kTextBytesMax) {
      return fail(invalid_argument("metadata longer than 512 bytes"));
    }
    entity.metadata.insert_or_assign(std::move(name), std::move(value));
  }
  if (entity.metadata.size() <= kMetadataMax) return {};
  return fail(invalid_argument("more metadata than 64 pairs"));
}

Result<void> set_policies(const api::Fields& fields, Entity& entity) {
  if (!fields.has("policies")) return {};
  entity.policies = canonical_policies(fields.strings("policies"));
  if (std::ranges::count(entity.policies, "root") == 0) return {};
  return fail(invalid_argument("policies cannot contain root"));
}

Result<void> edit(const api::Fields& fields, Entity& entity) {
  if (!fields.text("name").empty()) entity.name = fields.text("name");
  if (entity.name.size() > kTextBytesMax) {
    return fail(invalid_argument("the name is longer than 512 bytes"));
  }
  TRY(set_metadata(fields, entity));
  TRY(set_policies(fields, entity));
  entity.disabled = fields.boolean("disabled", entity.disabled);
  return {};
}

std::vector<api::Field> entity_fields() {
  return {
      {"id", FieldType::kString, "Id of the entity"},
      {"name", FieldType::kString, "Name of the entity"},
      {"metadata", FieldType::kKvPairs, "What is known of it"},
      {"policies", FieldType::kCommaStringSlice,
       "Policies beside those of its tokens"},
      {"disabled", FieldType::kBool, "Its tokens are refused", "false"},
  };
}

api::Response keys(const std::vector<std::string>& keys) {
  if (keys.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

}  // namespace

std::string IdentityBackend::entity_json(const Entity& entity) const {
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("aliases").begin_array();
  for (const Alias& alias : entity.aliases) {
    write_alias_json(out, entity, alias);
  }
  out.end_array()
      .member("creation_time", format_rfc3339_nano(entity.creation_time))
      .key("direct_group_ids")
      .begin_array()
      .end_array()
      .member("disabled", entity.disabled)
      .key("group_ids")
      .begin_array()
      .end_array()
      .member("id", entity.id)
      .key("inherited_group_ids")
      .begin_array()
      .end_array()
      .member("last_update_time", format_rfc3339_nano(entity.last_update_time))
      .key("merged_entity_ids")
      .null();
  write_map(out, "metadata", entity.metadata);
  out.member("name", entity.name).member("namespace_id", "root");
  out.key("policies").strings(entity.policies);
  out.end_object();
  return json;
}

// By the id or the name of the path or the body.
Result<IdentityBackend::EntityPtr> IdentityBackend::named(
    const Request& request) const {
  const std::string_view id = request.fields.text("id");
  if (!id.empty()) return store_.find(id);
  const std::string_view name = request.fields.text("name");
  if (name.empty()) return EntityPtr();
  return store_.find_by_name(name);
}

IdentityBackend::Response IdentityBackend::write(const Request& request,
                                                 Context&) {
  TRY_ASSIGN(const EntityPtr former, named(request));
  if (!former && !request.fields.text("id").empty()) {
    return fail(invalid_argument("entity not found from id"));
  }
  TRY_ASSIGN(
      const EntityPtr entity,
      store_.change(former ? former->id : std::string(), [&](Entity& changed) {
        return edit(request.fields, changed);
      }));
  if (former) return api::Response::none();
  std::string json;
  JsonWriter(json)
      .begin_object()
      .key("aliases")
      .null()
      .member("id", entity->id)
      .member("name", entity->name)
      .end_object();
  return api::Response::with_data(std::move(json));
}

IdentityBackend::Response IdentityBackend::read(const Request& request,
                                                Context&) {
  TRY_ASSIGN(const EntityPtr entity, named(request));
  if (!entity) return api::Response::none();
  return api::Response::with_data(entity_json(*entity));
}

IdentityBackend::Response IdentityBackend::remove(const Request& request,
                                                  Context&) {
  TRY_ASSIGN(const EntityPtr entity, named(request));
  if (entity) TRY(store_.remove(entity->id));
  return api::Response::none();
}

IdentityBackend::Response IdentityBackend::list_ids(const Request&, Context&) {
  TRY_ASSIGN(const auto ids, store_.ids());
  return keys(ids);
}

IdentityBackend::Response IdentityBackend::list_names(const Request&,
                                                      Context&) {
  TRY_ASSIGN(const auto names, store_.names());
  return keys(names);
}

IdentityBackend::Response IdentityBackend::look_up(const Request& request,
                                                   Context&) {
  const api::Fields& fields = request.fields;
  TRY_ASSIGN(EntityPtr entity, named(request));
  if (!entity && !fields.text("alias_name").empty()) {
    TRY_ASSIGN(entity, store_.find_by_alias(fields.text("alias_mount_accessor"),
                                            fields.text("alias_name")));
  }
  if (!entity && !fields.text("alias_id").empty()) {
    TRY_ASSIGN(entity, owner_of(fields.text("alias_id")));
  }
  if (!entity) return api::Response::none();
  return api::Response::with_data(entity_json(*entity));
}

void IdentityBackend::add_entity_routes() {
  const std::vector<api::Method> one{
      {Operation::kUpdate, Cost::kPool, bound(&IdentityBackend::write),
       "Write an entity"},
      {Operation::kRead, Cost::kPool, bound(&IdentityBackend::read),
       "Read an entity"},
      {Operation::kDelete, Cost::kPool, bound(&IdentityBackend::remove),
       "Delete an entity"}};
  routes_.push_back({.pattern = "entity",
                     .fields = entity_fields(),
                     .methods = {one.front()},
                     .synopsis = "Makes or changes an entity"});
  for (const std::string_view pattern :
       {"entity/id/:id", "entity/name/:name~"}) {
    routes_.push_back({.pattern = pattern,
                       .fields = entity_fields(),
                       .methods = one,
                       .synopsis = "An entity"});
  }
  routes_.push_back({.pattern = "entity/id",
                     .fields = {},
                     .methods = {{Operation::kList, Cost::kPool,
                                  bound(&IdentityBackend::list_ids),
                                  "List the entities' ids"}},
                     .synopsis = "The entities by id"});
  routes_.push_back({.pattern = "entity/name",
                     .fields = {},
                     .methods = {{Operation::kList, Cost::kPool,
                                  bound(&IdentityBackend::list_names),
                                  "List the entities' names"}},
                     .synopsis = "The entities by name"});
  std::vector<api::Field> fields{
      {"id", FieldType::kString, "Id of the entity"},
      {"name", FieldType::kString, "Name of the entity"},
      {"alias_id", FieldType::kString, "Id of one of its aliases"},
      {"alias_name", FieldType::kString, "Name of one of its aliases"},
      {"alias_mount_accessor", FieldType::kString,
       "Accessor of that alias' auth method"}};
  routes_.push_back(
      {.pattern = "lookup/entity",
       .fields = std::move(fields),
       .methods = {{Operation::kUpdate, Cost::kPool,
                    bound(&IdentityBackend::look_up), "Look an entity up"}},
       .synopsis = "Looks an entity up"});
}

}  // namespace bulla::auth
