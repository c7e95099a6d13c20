#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/operation.h"
#include "base/clock.h"
#include "base/result.h"

namespace bulla::auth {

/// One `path "…" { … }` of a policy.
struct PolicyRule {
  std::string path;       ///< Without the final '*' and the leading '/'.
  bool prefix = false;    ///< Ended in '*'.
  bool segments = false;  ///< Holds '+' segments.
  /// Holds a "{{…}}" that nothing here can fill: kept for reading the policy
  /// back, skipped when an Acl is built.
  bool templated = false;
  api::Capabilities capabilities = 0;
  /// Parameter name (lower-case) to allowed values; values are JSON scalars as
  /// text, with leading or trailing '*' as globs; empty list: any.
  std::map<std::string, std::vector<std::string>> allowed_parameters;
  std::map<std::string, std::vector<std::string>> denied_parameters;
  std::vector<std::string> required_parameters;
  Seconds min_wrapping_ttl{0};
  Seconds max_wrapping_ttl{0};
};

/// What is kept of a policy besides its text.
struct PolicyMeta {
  std::uint64_t version = 0;  ///< Counts its writes; 0: part of the program.
  std::optional<Time> modified;
  std::optional<Time> expiration;  ///< From then on it grants nothing.
  bool cas_required = false;       ///< Writes must name the present version.

  bool expired(Time now) const { return expiration && *expiration <= now; }
};

/// A parsed ACL policy.
struct Policy {
  std::string name;
  std::string text;  ///< As written.
  PolicyMeta meta;
  std::vector<PolicyRule> rules;
};

/// Parses HCL or JSON (reference/auth.md §10).
///   kInvalidArgument  "failed to parse policy: …" with the reference's texts.
Result<std::shared_ptr<const Policy>> parse_policy(std::string_view name,
                                                   std::string_view text,
                                                   PolicyMeta meta = {});

/// The words of a set, sorted: "create", "deny", …, "root".
std::vector<std::string_view> capability_names(api::Capabilities set);

/// A policy's name as it is stored and compared: trimmed, lower-cased.
std::string canonical_policy_name(std::string_view name);
/// Canonical names, sorted, unique, empty ones dropped; ["root"] alone when
/// root is among them.
std::vector<std::string> canonical_policies(
    const std::vector<std::string>& names);

}  // namespace bulla::auth
