#include "auth/approle/role_store.h"

#include <fmt/format.h>

#include <functional>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace bulla::auth {
namespace {

constexpr std::string_view kRoles = "role/";
constexpr std::string_view kRoleIds = "role_id/";
constexpr std::string_view kSecretIds = "secret/";
constexpr std::string_view kAccessors = "accessor/";
constexpr std::size_t kPage = 500;

std::string role_path(std::string_view name) {
  return std::string(kRoles).append(name);
}

// Clients choose role ids, of any characters.
std::string hashed(std::string_view prefix, std::string_view text) {
  return std::string(prefix).append(hex_encode(crypto::sha256(as_bytes(text))));
}

std::string secret_ids_of(std::string_view role_name) {
  return fmt::format("{}{}/", kSecretIds, role_name);
}

std::string secret_id_path(const AppRole& role, std::string_view secret_id) {
  const auto mac = crypto::hmac(crypto::HashAlgorithm::kSha2_256,
                                role.key.expose(), as_bytes(secret_id));
  return secret_ids_of(role.name).append(hex_encode(mac.view()));
}

Result<void> each_path(
    const barrier::View& view, std::string_view prefix,
    const std::function<Result<void>(const std::string&)>& visit) {
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto paths, view.scan(prefix, after, kPage));
    if (paths.empty()) return {};
    for (const std::string& path : paths) TRY(visit(path));
    after = paths.back();
  }
}

}  // namespace

Result<std::optional<AppRole>> RoleStore::find(std::string_view name) const {
  TRY_ASSIGN(const auto entry, view_.get(role_path(name)));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto role,
             parse_app_role(std::string(name), entry->value.expose()));
  return std::optional(std::move(role));
}

Result<std::optional<AppRole>> RoleStore::find_by_id(
    std::string_view role_id) const {
  TRY_ASSIGN(const auto index, view_.get(hashed(kRoleIds, role_id)));
  if (!index) return std::nullopt;
  TRY_ASSIGN(auto role, find(as_text(index->value.expose())));
  if (role && role->role_id != role_id) return std::nullopt;
  return role;
}

Result<std::vector<std::string>> RoleStore::list(std::string_view after,
                                                 std::size_t limit) const {
  return view_.list(kRoles, after, limit);
}

Result<void> RoleStore::store(const AppRole& role,
                              std::string_view former_id) const {
  const std::string index = hashed(kRoleIds, role.role_id);
  if (role.role_id != former_id) {
    TRY_ASSIGN(const auto taken, view_.get(index));
    if (taken) {
      return fail(internal_error("role_id is already in use by another role"));
    }
  }
  // What a crash left of a role of that name.
  if (former_id.empty()) TRY(clear_secret_ids(role.name));
  const SecretBytes record = serialize_app_role(role);
  std::vector<barrier::Change> changes{
      barrier::Change::put(role_path(role.name), record.expose()),
      barrier::Change::put(index, as_bytes(role.name))};
  if (!former_id.empty() && former_id != role.role_id) {
    changes.push_back(barrier::Change::remove(hashed(kRoleIds, former_id)));
  }
  return view_.commit(changes);
}

Result<void> RoleStore::remove(const AppRole& role) const {
  const std::vector<barrier::Change> changes{
      barrier::Change::remove(role_path(role.name)),
      barrier::Change::remove(hashed(kRoleIds, role.role_id))};
  TRY(view_.commit(changes));
  return clear_secret_ids(role.name);
}

Result<void> RoleStore::clear_secret_ids(std::string_view role_name) const {
  return each_path(view_, secret_ids_of(role_name),
                   [&](const std::string& path) -> Result<void> {
                     TRY_ASSIGN(const auto found, read(path));
                     return found ? destroy(*found) : Result<void>{};
                   });
}

Result<std::optional<RoleStore::Found>> RoleStore::read(
    std::string path) const {
  TRY_ASSIGN(const auto entry, view_.get(path));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto parsed, parse_secret_id(entry->value.expose()));
  return Found{std::move(parsed), std::move(path), entry->version};
}

Result<std::optional<RoleStore::Found>> RoleStore::secret_id(
    const AppRole& role, std::string_view secret_id) const {
  if (secret_id.size() > kSecretIdBytesMax) return std::nullopt;
  return read(secret_id_path(role, secret_id));
}

Result<std::optional<RoleStore::Found>> RoleStore::by_accessor(
    std::string_view accessor) const {
  TRY_ASSIGN(const auto index, view_.get(hashed(kAccessors, accessor)));
  if (!index) return std::nullopt;
  TRY_ASSIGN(auto found, read(to_text(index->value.expose())));
  if (found && found->entry.accessor != accessor) return std::nullopt;
  return found;
}

bool RoleStore::is_of(const Found& found, const AppRole& role) {
  return found.path.starts_with(secret_ids_of(role.name));
}

Result<void> RoleStore::add(const AppRole& role, std::string_view secret_id,
                            const SecretId& entry) const {
  const std::string path = secret_id_path(role, secret_id);
  const SecretBytes record = serialize_secret_id(entry);
  std::vector<barrier::Change> changes;
  changes.push_back(barrier::Change::put(path, record.expose())
                        .expecting(storage::Change::kAbsent));
  changes.push_back(
      barrier::Change::put(hashed(kAccessors, entry.accessor), as_bytes(path)));
  auto added = view_.commit(changes);
  if (added || added.error().code() != ErrorCode::kConflict) return added;
  return fail(internal_error(
      "failed to store secret_id: SecretID is already registered"));
}

Result<void> RoleStore::destroy(const Found& found) const {
  const std::vector<barrier::Change> changes{
      barrier::Change::remove(found.path),
      barrier::Change::remove(hashed(kAccessors, found.entry.accessor))};
  return view_.commit(changes);
}

Result<void> RoleStore::use(const AppRole& role, std::string_view secret_id,
                            Time now) const {
  while (true) {
    TRY_ASSIGN(auto found, this->secret_id(role, secret_id));
    if (!found || found->entry.expired(now)) {
      return fail(not_found("no such secret id"));
    }
    if (found->entry.num_uses == 0) return {};
    found->entry.num_uses -= 1;
    found->entry.last_updated_time = now;
    const bool last = found->entry.num_uses == 0;
    const SecretBytes record = serialize_secret_id(found->entry);
    std::vector<barrier::Change> changes;
    changes.push_back((last
                           ? barrier::Change::remove(found->path)
                           : barrier::Change::put(found->path, record.expose()))
                          .expecting(found->version));
    if (last) {
      changes.push_back(
          barrier::Change::remove(hashed(kAccessors, found->entry.accessor)));
    }
    auto used = view_.commit(changes);
    // Another login was first.
    if (!used && used.error().code() == ErrorCode::kConflict) continue;
    return used;
  }
}

Result<std::vector<std::string>> RoleStore::accessors(
    const AppRole& role) const {
  std::vector<std::string> accessors;
  TRY(each_path(view_, secret_ids_of(role.name),
                [&](const std::string& path) -> Result<void> {
                  TRY_ASSIGN(const auto found, read(path));
                  if (found) accessors.push_back(found->entry.accessor);
                  return {};
                }));
  return accessors;
}

Result<void> RoleStore::tidy_entry(const std::string& path, Time now) const {
  TRY_ASSIGN(const auto found, read(path));
  if (!found) return {};
  const std::string_view name = std::string_view(path).substr(
      kSecretIds.size(), path.rfind('/') - kSecretIds.size());
  TRY_ASSIGN(const auto role, view_.get(role_path(name)));
  if (role && !found->entry.expired(now)) return {};
  return destroy(*found);
}

Result<void> RoleStore::tidy(Time now) const {
  TRY(each_path(view_, kSecretIds, [&](const std::string& path) {
    return tidy_entry(path, now);
  }));
  return each_path(
      view_, kAccessors, [&](const std::string& path) -> Result<void> {
        TRY_ASSIGN(const auto index, view_.get(path));
        if (!index) return {};
        TRY_ASSIGN(const auto entry, view_.get(as_text(index->value.expose())));
        return entry ? Result<void>{} : view_.remove(path);
      });
}

}  // namespace bulla::auth
