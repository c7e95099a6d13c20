// Which policies a new token gets (reference/auth.md §2, "Policy resolution").

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "auth/policy.h"
#include "auth/token/creation.h"

namespace bulla::auth {
namespace {

using Names = std::vector<std::string>;

// Policies that only the server itself gives.
constexpr std::array<std::string_view, 2> kInternalPolicies = {
    "control-group", "response-wrapping"};

bool has(const Names& names, std::string_view name) {
  return std::ranges::count(names, name) != 0;
}

// `names` folded, and with "default" when asked; root stays alone.
Names finalized(Names names, bool add_default) {
  if (add_default) names.emplace_back("default");
  return canonical_policies(names);
}

// As Go's %q prints a list of strings.
std::string quoted(const Names& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    out += out.size() > 1 ? " \"" : "\"";
    out += name;
    out += '"';
  }
  return out + "]";
}

Result<void> check_allowed(const TokenRole& role, const Names& allowed,
                           const Names& names) {
  for (const std::string& name : names) {
    if (has(allowed, name) ||
        policy_glob_matches(role.allowed_policies_glob, name)) {
      continue;
    }
    return fail(invalid_argument(fmt::format(
        "token policies ({}) must be subset of the role's allowed policies "
        "({}) or glob policies ({})",
        quoted(names), quoted(allowed), quoted(role.allowed_policies_glob))));
  }
  return {};
}

bool disallows(const TokenRole& role, std::string_view name) {
  return has(role.disallowed_policies, name) ||
         policy_glob_matches(role.disallowed_policies_glob, name);
}

// A role with lists decides alone, whatever the caller's own policies are.
Result<Names> by_role(const TokenRole& role, const Names& requested,
                      const Names& parents, bool no_default) {
  const bool add_default =
      !no_default && !role.no_default_policy && !disallows(role, "default");
  Names names = requested.empty() ? Names{} : finalized(requested, add_default);
  if (!role.allowed_policies.empty() || !role.allowed_policies_glob.empty()) {
    const Names allowed = finalized(role.allowed_policies, add_default);
    if (names.empty()) names = allowed;
    TRY(check_allowed(role, allowed, names));
  } else if (names.empty()) {
    names = finalized(parents, add_default);
  }
  for (const std::string& name : names) {
    if (!disallows(role, name)) continue;
    return fail(invalid_argument(
        fmt::format("token policy \"{}\" is disallowed by this role", name)));
  }
  return names;
}

// Without such a role: any policies by sudo, else a part of the parent's.
Result<Names> by_caller(bool sudo, const Names& requested, const Names& parents,
                        bool no_default) {
  if (requested.empty()) return parents;
  if (sudo) return finalized(requested, !no_default);
  const Names wanted = canonical_policies(requested);
  if (!std::ranges::includes(parents, wanted)) {
    return fail(invalid_argument("child policies must be subset of parent"));
  }
  return finalized(wanted, !no_default && has(parents, "default"));
}

bool climbs(std::string_view name) {
  return fmt::format("/{}/", name).find("/../") != std::string::npos;
}

}  // namespace

Result<void> TokenBackend::read_policies(Creation& creation) const {
  const Names requested = creation.fields().strings("policies");
  const Names parents = canonical_policies(creation.parent().policies);
  const bool no_default =
      creation.no_default_policy() ||
      (creation.role != nullptr && creation.role->no_default_policy);
  Names& policies = creation.spec.policies;
  if (creation.role != nullptr && creation.role->limits_policies()) {
    TRY_ASSIGN(policies,
               by_role(*creation.role, requested, parents, no_default));
  } else {
    TRY_ASSIGN(policies,
               by_caller(creation.sudo(), requested, parents, no_default));
  }
  // Asked to leave it out, the server leaves out what was inherited or named,
  // too.
  if (creation.no_default_policy()) std::erase(policies, "default");
  return {};
}

Result<void> TokenBackend::check_policies(const Creation& creation) const {
  for (const std::string& name : creation.spec.policies) {
    if (std::ranges::count(kInternalPolicies, name) == 0) continue;
    return fail(
        invalid_argument(fmt::format("cannot assign policy \"{}\"", name)));
  }
  for (const std::string& name : creation.spec.policies) {
    if (!climbs(name)) continue;
    return fail(
        invalid_argument(fmt::format("could not look up policy {}", name)));
  }
  if (!creation.makes_root()) return {};
  // Sudo on this path must not become root.
  if (!creation.parent().is_root()) {
    return fail(invalid_argument(
        "root tokens may not be created without parent token being root"));
  }
  if (creation.batch()) {
    return fail(invalid_argument("batch tokens cannot be root tokens"));
  }
  return {};
}

}  // namespace bulla::auth
