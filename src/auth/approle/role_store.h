#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/approle/role_record.h"
#include "barrier/barrier.h"

namespace bulla::auth {

/// Roles and secret ids of one approle mount (docs/formats/login.md). Of role
/// ids and accessors a hash is a part of the path, of secret ids their HMAC.
/// Any thread; changes of roles are one at a time by the caller.
class RoleStore {
 public:
  static constexpr std::size_t kSecretIdBytesMax = 4096;

  explicit RoleStore(barrier::View view) : view_(std::move(view)) {}

  Result<std::optional<AppRole>> find(std::string_view name) const;
  Result<std::optional<AppRole>> find_by_id(std::string_view role_id) const;
  Result<std::vector<std::string>> list(std::string_view after,
                                        std::size_t limit) const;
  /// Stores it; `former_id` is the role id that it had, "" for a new role, of
  /// which nothing may be left then.
  ///   kInternal  another role has that role id.
  Result<void> store(const AppRole& role, std::string_view former_id) const;
  /// With all its secret ids. From the first commit nobody logs in by it.
  Result<void> remove(const AppRole& role) const;

  /// A secret id and where it is.
  struct Found {
    SecretId entry;
    std::string path;
    std::uint64_t version = 0;
  };
  Result<std::optional<Found>> secret_id(const AppRole& role,
                                         std::string_view secret_id) const;
  /// By its accessor; of whichever role it is: Found::path tells.
  Result<std::optional<Found>> by_accessor(std::string_view accessor) const;
  static bool is_of(const Found& found, const AppRole& role);
  ///   kInternal  it is registered already.
  Result<void> add(const AppRole& role, std::string_view secret_id,
                   const SecretId& entry) const;
  Result<void> destroy(const Found& found) const;
  /// Takes a use off; at the last it is gone. Of several at once each counts.
  ///   kNotFound  there is none left.
  Result<void> use(const AppRole& role, std::string_view secret_id,
                   Time now) const;
  Result<std::vector<std::string>> accessors(const AppRole& role) const;
  /// Destroys what has expired or is of no role, and indexes of nothing.
  Result<void> tidy(Time now) const;

 private:
  Result<std::optional<Found>> read(std::string path) const;
  Result<void> clear_secret_ids(std::string_view role_name) const;
  Result<void> tidy_entry(const std::string& path, Time now) const;

  barrier::View view_;
};

}  // namespace bulla::auth
