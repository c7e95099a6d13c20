#include "auth/identity/identity_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/field_convert.h"
#include "base/encoding.h"
#include "crypto/hash.h"

namespace bulla::auth {
namespace {

using EntityPtr = std::shared_ptr<const Entity>;

constexpr std::string_view kIds = "id/";
constexpr std::string_view kNames = "name/";
constexpr std::string_view kAliases = "alias/";

std::string id_path(std::string_view id) {
  return std::string(kIds).append(id);
}

// Names and aliases are of any characters; names are one whatever their case.
std::string name_path(std::string_view name) {
  return std::string(kNames).append(
      hex_encode(crypto::sha256(as_bytes(api::lower_case(name)))));
}

std::string alias_path(std::string_view accessor, std::string_view name) {
  return fmt::format("{}{}/{}", kAliases, accessor,
                     hex_encode(crypto::sha256(as_bytes(name))));
}

std::set<std::string> index_paths(const Entity& entity) {
  std::set<std::string> paths{name_path(entity.name)};
  for (const Alias& alias : entity.aliases) {
    paths.insert(alias_path(alias.mount_accessor, alias.name));
  }
  return paths;
}

}  // namespace

Result<EntityPtr> IdentityStore::find(std::string_view id,
                                      bool may_block) const {
  if (id.empty()) return EntityPtr();
  const std::string key(id);
  std::uint64_t changes = 0;
  {
    const std::lock_guard lock(cache_mutex_);
    if (const auto it = cache_.find(key); it != cache_.end()) return it->second;
    changes = changes_;
  }
  if (!may_block) return fail(would_block());
  TRY_ASSIGN(const auto entry, view_.get(id_path(id)));
  EntityPtr found;
  if (entry) {
    TRY_ASSIGN(Entity entity, parse_entity(key, entry->value.expose()));
    found = std::make_shared<const Entity>(std::move(entity));
  }
  keep(key, found, changes);
  return found;
}

// What was read before a change is not kept over it.
void IdentityStore::keep(const std::string& id, EntityPtr entity,
                         std::uint64_t changes) const {
  const std::lock_guard lock(cache_mutex_);
  if (changes_ != changes) return;
  if (cache_.size() >= kCachedMax) cache_.clear();
  cache_.insert_or_assign(id, std::move(entity));
}

void IdentityStore::changed(const std::string& id, EntityPtr now) {
  const std::lock_guard lock(cache_mutex_);
  ++changes_;
  cache_.insert_or_assign(id, std::move(now));
}

void IdentityStore::clear() {
  const std::lock_guard lock(cache_mutex_);
  ++changes_;
  cache_.clear();
}

Result<EntityPtr> IdentityStore::by_index(const std::string& path) const {
  TRY_ASSIGN(const auto entry, view_.get(path));
  if (!entry) return EntityPtr();
  return find(as_text(entry->value.expose()));
}

Result<EntityPtr> IdentityStore::find_by_name(std::string_view name) const {
  return by_index(name_path(name));
}

Result<EntityPtr> IdentityStore::find_by_alias(std::string_view mount_accessor,
                                               std::string_view name) const {
  return by_index(alias_path(mount_accessor, name));
}

// All of an entity is one commit: itself and what it is found by.
Result<EntityPtr> IdentityStore::commit(const Entity* former, Entity entity) {
  const SecretBytes record = serialize_entity(entity);
  std::vector<barrier::Change> changes{
      barrier::Change::put(id_path(entity.id), record.expose())};
  const auto before =
      former != nullptr ? index_paths(*former) : std::set<std::string>();
  const auto after = index_paths(entity);
  for (const std::string& path : before) {
    if (!after.contains(path)) changes.push_back(barrier::Change::remove(path));
  }
  for (const std::string& path : after) {
    if (before.contains(path)) continue;
    TRY_ASSIGN(const auto taken, by_index(path));
    if (taken && taken->id != entity.id) {
      return fail(invalid_argument(
          path == name_path(entity.name)
              ? "entity name is already in use"
              : "alias is already tied to a different entity"));
    }
    changes.push_back(barrier::Change::put(path, as_bytes(entity.id)));
  }
  TRY(view_.commit(changes));
  auto stored = std::make_shared<const Entity>(std::move(entity));
  changed(stored->id, stored);
  // Nobody has made anything of one that is new.
  if (former != nullptr) version_.fetch_add(1, std::memory_order_acq_rel);
  return stored;
}

Result<EntityPtr> IdentityStore::log_in(
    std::string_view mount_accessor, std::string_view name,
    const std::map<std::string, std::string>& metadata) {
  const auto known = [&]() { return find_by_alias(mount_accessor, name); };
  const auto is_same = [&](const Alias& alias) {
    return alias.mount_accessor == mount_accessor && alias.name == name &&
           alias.metadata == metadata;
  };
  TRY_ASSIGN(auto entity, known());
  if (entity && std::ranges::any_of(entity->aliases, is_same)) return entity;
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(entity, known());
  const Time now = clock_.now();
  Entity changed = entity ? *entity : Entity();
  if (!entity) {
    changed.id = rng_.uuid();
    changed.name = "entity_" + changed.id.substr(0, 8);
    changed.creation_time = changed.last_update_time = now;
    changed.aliases.push_back({.id = rng_.uuid(),
                               .mount_accessor = std::string(mount_accessor),
                               .name = std::string(name),
                               .metadata = {},
                               .creation_time = now});
  }
  for (Alias& alias : changed.aliases) {
    if (alias.mount_accessor == mount_accessor && alias.name == name) {
      alias.metadata = metadata;
    }
  }
  return commit(entity.get(), std::move(changed));
}

Result<EntityPtr> IdentityStore::change(
    std::string_view id, const std::function<Result<void>(Entity&)>& edit) {
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(const auto former, find(id));
  if (!id.empty() && !former) return fail(not_found("no such entity"));
  const Time now = clock_.now();
  Entity entity = former ? *former : Entity();
  if (!former) {
    entity.id = rng_.uuid();
    entity.creation_time = now;
  }
  entity.last_update_time = now;
  TRY(edit(entity));
  if (entity.name.empty()) entity.name = "entity_" + entity.id.substr(0, 8);
  return commit(former.get(), std::move(entity));
}

Result<void> IdentityStore::remove(std::string_view id) {
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(const auto entity, find(id));
  if (!entity) return {};
  std::vector<barrier::Change> changes{
      barrier::Change::remove(id_path(entity->id))};
  for (const std::string& path : index_paths(*entity)) {
    changes.push_back(barrier::Change::remove(path));
  }
  TRY(view_.commit(changes));
  changed(entity->id, nullptr);
  version_.fetch_add(1, std::memory_order_acq_rel);
  return {};
}

Result<std::vector<std::string>> IdentityStore::ids() const {
  return view_.list(kIds);
}

Result<std::vector<std::string>> IdentityStore::names() const {
  TRY_ASSIGN(const auto all, ids());
  std::vector<std::string> names;
  for (const std::string& id : all) {
    TRY_ASSIGN(const auto entity, find(id));
    if (entity) names.push_back(entity->name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace bulla::auth
