#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/backend.h"
#include "api/login_method.h"
#include "base/published.h"
#include "server/route_matcher.h"

namespace bulla::server {

/// A mounted backend. Immutable; a tune makes a new one with the same backend.
struct Mount {
  api::MountConfig config;
  std::shared_ptr<api::Backend> backend;
  std::shared_ptr<const RouteMatcher> matcher;
  /// The backend itself, where it is one that logs in; else null.
  std::shared_ptr<api::LoginMethod> logins;
};

/// All mounts at one moment. Immutable.
class MountTable {
 public:
  explicit MountTable(std::vector<std::shared_ptr<const Mount>> mounts);

  /// The mount whose path is the longest prefix of `path`; "foo" finds the
  /// mount "foo/" too. Null when there is none.
  const Mount* find(std::string_view path) const;
  const std::vector<std::shared_ptr<const Mount>>& all() const {
    return mounts_;
  }

 private:
  std::vector<std::shared_ptr<const Mount>> mounts_;  // sorted by path
  std::unordered_map<std::string_view, const Mount*> by_path_;
};

/// Secrets engines are mounted, moved and unmounted at none of the server's own
/// paths: sys/, auth/, ….
///   kInvalidArgument  "cannot `action` \"sys/\"".
Result<void> check_reserved(std::string_view path, std::string_view action);

/// What a type of engine is built by: its constructor and its word.
struct BackendFactory {
  std::string type;
  bool is_auth = false;
  std::function<std::shared_ptr<api::Backend>(const api::BackendContext&)> make;
};

/// The mount table, kept in the barrier (core/mounts), published to the loops.
/// Secrets engines and auth methods ("auth/…/") alike. Any thread.
class Mounts {
 public:
  static constexpr Seconds kSystemTtl{2764800};  // 768 h

  /// What backends are given beside their storage.
  struct Services {
    api::EventSink& events;
    dek::RecordCipher& records;
    dek::RecordHolders& record_holders;
    api::ManagedKeys& managed_keys;
    bool fips_mode = false;
  };

  Mounts(barrier::Barrier& barrier, crypto::Rng& rng, const Clock& clock,
         const Logger& log, Services services);

  void add_factory(BackendFactory factory);
  /// A mount that is always there (sys/, cubbyhole/, auth/token/) and is not
  /// stored; given anew at each load. Its storage view is "fixed/<path>".
  void add_fixed(api::MountConfig config, BackendFactory factory);

  /// Builds sys/, which answers while sealed too. Once, before serving.
  void start();
  /// Reads the table and builds every backend. After unseal.
  Result<void> load();
  /// Stops and forgets all backends but sys/. At seal.
  void clear();

  /// Mounts `config` (path, type, options, …; uuid and accessor are made here).
  ///   kInvalidArgument  the texts of reference/sys.md §5.
  Result<void> mount(api::MountConfig config);
  /// Unmounts and deletes its storage. A missing mount is fine.
  Result<void> unmount(std::string_view path);
  /// Moves to another path; data stays.
  Result<void> remount(std::string_view from, std::string_view to);
  /// Applies `edit` to the config of the mount at `path` and stores it.
  ///   kInvalidArgument  no such mount.
  Result<void> tune(std::string_view path,
                    const std::function<Result<void>(api::MountConfig&)>& edit);

  std::shared_ptr<const Mount> at(std::string_view path) const;
  const Published<MountTable>& table() const { return table_; }
  /// Each backend's tick, on a pool thread, about once a minute.
  void tick(Time now);

 private:
  struct Fixed {
    api::MountConfig config;
    BackendFactory factory;
  };
  Result<std::shared_ptr<const Mount>> build(api::MountConfig config,
                                             const BackendFactory& factory,
                                             const std::string& prefix);
  const BackendFactory* factory_of(const api::MountConfig& config) const;
  Result<void> check_new(const api::MountConfig& config) const;
  Result<void> change(const Mount& mount, api::MountConfig config);
  /// The mount's matcher made anew, after its backend changed its routes.
  Result<void> reroute(std::string_view path);
  Result<std::vector<api::MountConfig>> read_records();
  void apply_tuned(const api::MountConfig& config);
  Result<void> sweep_orphans(const std::set<std::string>& live);
  Result<void> replace(std::vector<std::shared_ptr<const Mount>> mounts);
  bool is_fixed(std::string_view path) const;

  barrier::Barrier& barrier_;
  crypto::Rng& rng_;
  const Clock& clock_;
  const Logger& log_;
  const Services services_;
  std::vector<BackendFactory> factories_;
  std::vector<Fixed> fixed_;
  std::vector<std::shared_ptr<const Mount>> system_;
  mutable std::mutex mutex_;  // one writer at a time
  Published<MountTable> table_;
};

}  // namespace bulla::server
