#include "auth/acl_rules.h"

#include <algorithm>
#include <tuple>

namespace bulla::auth {
namespace {

Seconds lower_limit(Seconds a, Seconds b) {
  if (a == Seconds{0}) return b;
  if (b == Seconds{0}) return a;
  return std::min(a, b);
}

// An empty list stands for any value, so it swallows the other list.
void merge_parameters(
    std::map<std::string, std::vector<std::string>>& into,
    const std::map<std::string, std::vector<std::string>>& from) {
  for (const auto& [name, values] : from) {
    const auto [at, fresh] = into.try_emplace(name, values);
    if (fresh || at->second.empty()) continue;
    if (values.empty()) {
      at->second.clear();
      continue;
    }
    for (const std::string& value : values) {
      if (std::ranges::count(at->second, value) == 0) {
        at->second.push_back(value);
      }
    }
  }
}

std::string_view take_segment(std::string_view& rest, bool& last) {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  last = slash == std::string_view::npos;
  rest.remove_prefix(last ? rest.size() : slash + 1);
  return segment;
}

// Whether `a` stands before `b` (reference/auth.md §10, "Matching order").
bool precedes(const AclPattern& a, const AclPattern& b) {
  if (a.head != b.head) return a.head > b.head;
  if (a.prefix != b.prefix) return b.prefix;
  if (a.pluses != b.pluses) return a.pluses < b.pluses;
  if (a.text.size() != b.text.size()) return a.text.size() > b.text.size();
  return a.text > b.text;
}

}  // namespace

void AclRule::merge(const std::string& policy, const PolicyRule& rule) {
  if (denies()) return;
  if ((rule.capabilities & api::kCapDeny) != 0) {
    *this = {};
    capabilities = api::kCapDeny;
    return;
  }
  capabilities |= rule.capabilities;
  for (unsigned bit = 1; bit <= rule.capabilities; bit <<= 1) {
    if ((rule.capabilities & bit) == 0) continue;
    add_granting(policy, static_cast<api::Capabilities>(bit));
  }
  min_wrapping_ttl = lower_limit(min_wrapping_ttl, rule.min_wrapping_ttl);
  max_wrapping_ttl = lower_limit(max_wrapping_ttl, rule.max_wrapping_ttl);
  merge_parameters(allowed_parameters, rule.allowed_parameters);
  merge_parameters(denied_parameters, rule.denied_parameters);
  for (const std::string& name : rule.required_parameters) {
    if (std::ranges::count(required_parameters, name) == 0) {
      required_parameters.push_back(name);
    }
  }
}

void AclRule::add_granting(const std::string& policy,
                           api::Capabilities capability) {
  auto at = std::ranges::find(granting, capability,
                              [](const auto& g) { return g.first; });
  if (at == granting.end()) {
    granting.emplace_back(capability, std::vector<std::string>{});
    at = granting.end() - 1;
  }
  std::vector<std::string>& names = at->second;
  const auto place = std::ranges::lower_bound(names, policy);
  if (place == names.end() || *place != policy) names.insert(place, policy);
}

const std::vector<std::string>* AclRule::granted_by(
    api::Capabilities capability) const {
  for (const auto& [granted, names] : granting) {
    if (granted == capability) return &names;
  }
  return nullptr;
}

bool AclPattern::matches(std::string_view path) const {
  if (!segments) return path.starts_with(text);
  std::string_view pattern = text;
  while (true) {
    bool pattern_last = false;
    bool path_last = false;
    const std::string_view want = take_segment(pattern, pattern_last);
    const std::string_view have = take_segment(path, path_last);
    const bool same = want == "+" || want == have;
    if (pattern_last) {
      return prefix ? same || have.starts_with(want) : same && path_last;
    }
    if (!same || path_last) return false;
  }
}

bool AclPattern::may_match_below(std::string_view prefix_path) const {
  std::string_view pattern = text;
  while (!prefix_path.empty()) {
    bool pattern_last = false;
    bool path_last = false;
    const std::string_view want = take_segment(pattern, pattern_last);
    const std::string_view have = take_segment(prefix_path, path_last);
    if (path_last) {
      return want == "+" || want.starts_with(have) ||
             (pattern_last && prefix && have.starts_with(want));
    }
    if (pattern_last) return prefix && (want == "+" || have.starts_with(want));
    if (want != "+" && want != have) return false;
  }
  return true;
}

void PatternTable::build(std::vector<AclPattern> patterns) {
  std::ranges::sort(patterns, precedes);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i].rank = i;
  const auto head_of = [](const AclPattern& p) {
    return std::string_view(p.text).substr(0, p.head);
  };
  std::ranges::stable_sort(patterns, {}, head_of);
  patterns_ = std::move(patterns);
  groups_.clear();
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const std::string_view head = head_of(patterns_[i]);
    if (groups_.empty() || groups_.back().head != head) {
      // In bytewise order the heads that this one starts with are on the chain
      // of the group before it.
      std::size_t shorter = groups_.empty() ? kNone : groups_.size() - 1;
      while (shorter != kNone && !head.starts_with(groups_[shorter].head)) {
        shorter = groups_[shorter].shorter;
      }
      groups_.push_back({head, i, i, shorter});
    }
    groups_.back().end = i + 1;
  }
}

const AclPattern* PatternTable::find(std::string_view path) const {
  const auto after = std::ranges::upper_bound(groups_, path, {}, &Group::head);
  std::size_t at = after == groups_.begin()
                       ? kNone
                       : static_cast<std::size_t>(after - groups_.begin()) - 1;
  for (; at != kNone; at = groups_[at].shorter) {
    const Group& group = groups_[at];
    if (!path.starts_with(group.head)) continue;
    for (std::size_t i = group.begin; i < group.end; ++i) {
      if (patterns_[i].matches(path)) return &patterns_[i];
    }
  }
  return nullptr;
}

}  // namespace bulla::auth
