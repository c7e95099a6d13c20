#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/acl.h"
#include "auth/identity/entity.h"
#include "auth/policy.h"
#include "auth/policy_record.h"
#include "barrier/barrier.h"
#include "base/published.h"

namespace bulla::auth {

/// A write of a policy: what is absent is, for a patch, left as it is, and else
/// takes its default.
struct PolicyUpdate {
  std::optional<std::string> text = {};
  std::optional<Time> expiration = {};
  /// Check and set: the version to replace, or -1 for a policy that must not be
  /// there yet.
  std::optional<std::int64_t> cas = {};
  std::optional<bool> cas_required = {};
  bool patch = false;
};

/// ACL policies by name, kept in the barrier at sys/policy/, all of them in
/// memory. Names are lower-cased everywhere they enter. Any thread.
class PolicyStore {
 public:
  PolicyStore(barrier::View view, const Clock& clock)
      : view_(std::move(view)), clock_(clock) {}

  /// After unseal: reads all; writes `default` when it is missing.
  Result<void> load();
  /// What init commits: the default policy.
  static std::string_view default_policy_text();
  /// Forgets everything, at seal.
  void clear();

  /// Names sorted, `root` last, internal ones hidden.
  std::vector<std::string> list() const;
  /// Absent when unknown or expired; `root` has empty text.
  std::shared_ptr<const Policy> get(std::string_view name) const;
  /// Parses, stores, publishes.
  ///   kInvalidArgument  bad policy, or a fixed one ("cannot update \"root\"
  ///                     policy"); "check-and-set parameter …"; "refusing to
  ///                     update policy as expiration time has already elapsed";
  ///                     "policy not found" (to patch).
  Result<void> set(std::string_view name, PolicyUpdate update);
  Result<void> set(std::string_view name, std::string_view text) {
    PolicyUpdate update;
    update.text = text;
    return set(name, std::move(update));
  }
  /// Unknown names are fine. kInvalidArgument for root, default,
  /// response-wrapping.
  Result<void> remove(std::string_view name);
  /// Deletes what has expired; from the minute's tick.
  Result<void> sweep_expired();

  /// The compiled union of the named policies as they are now; unknown names
  /// and expired ones grant nothing. Cached by the set of names until a policy
  /// changes or one of them expires.
  std::shared_ptr<const Acl> acl(const std::vector<std::string>& names) const;
  /// The same for tokens of `entity`, whose own policies count, too, and who
  /// fills what is templated. Not cached where anything is.
  std::shared_ptr<const Acl> acl(const std::vector<std::string>& names,
                                 const Entity& entity) const;
  /// Raised by one whenever any policy changes.
  std::uint64_t version() const { return policies_.version(); }

 private:
  using Policies =
      std::map<std::string, std::shared_ptr<const Policy>, std::less<>>;
  Result<std::shared_ptr<const Policy>> store(const std::string& name,
                                              PolicyRecord record);
  std::shared_ptr<const Policy> live(std::string_view canonical) const;
  std::vector<std::shared_ptr<const Policy>> named(
      const std::vector<std::string>& names, Time now) const;
  void put(std::shared_ptr<const Policy> policy);
  void erase(std::string_view canonical);

  barrier::View view_;
  const Clock& clock_;
  std::mutex write_mutex_;          // one writer, over its commit
  mutable std::mutex cache_mutex_;  // guards the Acl cache, never over I/O
  Published<Policies> policies_{std::make_shared<const Policies>()};
  mutable std::map<std::vector<std::string>, std::shared_ptr<const Acl>> acls_;
  mutable std::uint64_t acls_version_ = 0;
};

}  // namespace bulla::auth
