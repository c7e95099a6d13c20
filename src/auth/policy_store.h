#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/acl.h"
#include "auth/policy.h"
#include "barrier/barrier.h"
#include "base/published.h"

namespace bulla::auth {

/// ACL policies by name, kept in the barrier at sys/policy/, all of them in
/// memory. Names are lower-cased everywhere they enter. Any thread.
class PolicyStore {
 public:
  explicit PolicyStore(barrier::View view) : view_(std::move(view)) {}

  /// After unseal: reads all; writes `default` when it is missing.
  Result<void> load();
  /// What init commits: the default policy.
  static std::string_view default_policy_text();
  /// Forgets everything, at seal.
  void clear();

  /// Names sorted, `root` last, internal ones hidden.
  std::vector<std::string> list() const;
  /// Absent when unknown; `root` has empty text.
  std::shared_ptr<const Policy> get(std::string_view name) const;
  /// Parses, stores, publishes.
  ///   kInvalidArgument  bad policy, or a fixed one ("cannot update \"root\"
  ///                     policy").
  Result<void> set(std::string_view name, std::string_view text);
  /// Unknown names are fine. kInvalidArgument for root, default,
  /// response-wrapping.
  Result<void> remove(std::string_view name);

  /// The compiled union of the named policies as they are now; unknown names
  /// grant nothing. Cached by the set of names until a policy changes.
  std::shared_ptr<const Acl> acl(const std::vector<std::string>& names) const;
  /// Raised by one whenever any policy changes.
  std::uint64_t version() const { return policies_.version(); }

 private:
  using Policies =
      std::map<std::string, std::shared_ptr<const Policy>, std::less<>>;
  Result<void> store(const std::string& name, std::string_view text);

  barrier::View view_;
  std::mutex write_mutex_;          // one writer, over its commit
  mutable std::mutex cache_mutex_;  // guards the Acl cache, never over I/O
  Published<Policies> policies_{std::make_shared<const Policies>()};
  mutable std::map<std::vector<std::string>, std::shared_ptr<const Acl>> acls_;
  mutable std::uint64_t acls_version_ = 0;
};

}  // namespace bulla::auth
