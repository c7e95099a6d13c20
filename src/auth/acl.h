#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operation.h"
#include "auth/policy.h"
#include "base/json.h"

namespace bulla::auth {

/// What is asked of an Acl.
struct AclRequest {
  api::Operation operation = api::Operation::kRead;
  std::string_view path;           ///< Exactly the path that is routed.
  std::optional<JsonObject> body;  ///< For parameter rules.
  std::optional<Seconds> wrap_ttl;
};

struct AclDecision {
  bool allowed = false;
  bool sudo = false;  ///< Root, or the winning rule grants sudo.
  bool root = false;
  /// Names of the policies that the deciding rule is from, when it allowed; as
  /// long as the Acl lives. For audit.
  const std::vector<std::string>* granted_by = nullptr;
};

/// The union of some policies, compiled once to be matched without allocating:
/// exact paths hashed, prefixes and '+' patterns ordered by precedence
/// (reference/auth.md §10). Immutable; any thread.
class Acl {
 public:
  explicit Acl(const std::vector<std::shared_ptr<const Policy>>& policies);
  ~Acl();

  AclDecision decide(const AclRequest& request) const;
  /// What is granted on `path`; kCapDeny when nothing, kCapRoot for root.
  api::Capabilities capabilities(std::string_view path) const;
  /// Some rule grants something (not deny) at or below `prefix`: for listing
  /// mounts that a token can touch.
  bool may_touch(std::string_view prefix) const;
  /// The rules, for sys/internal/ui/resultant-acl: {"exact_paths":…,
  /// "glob_paths":…,"root":false} as JSON text.
  std::string resultant_json() const;
  bool is_root() const { return root_; }
  /// When the first of its policies expires.
  Time good_until() const { return good_until_; }

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
  bool root_ = false;
  Time good_until_ = Time::max();
};

}  // namespace bulla::auth
