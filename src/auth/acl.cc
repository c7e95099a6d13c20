#include "auth/acl.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "auth/acl_parameters.h"
#include "auth/acl_rules.h"
#include "base/json_writer.h"

namespace bulla::auth {
namespace {

using api::Operation;

AclPattern make_pattern(const PolicyRule& rule) {
  AclPattern pattern;
  pattern.text = rule.path;
  pattern.prefix = rule.prefix;
  pattern.segments = rule.segments;
  pattern.head = rule.path.size();
  if (!rule.segments) return pattern;
  std::size_t start = 0;
  while (start <= rule.path.size()) {
    const std::size_t slash =
        std::min(rule.path.find('/', start), rule.path.size());
    if (slash - start == 1 && rule.path[start] == '+') {
      if (pattern.pluses == 0) pattern.head = start;
      ++pattern.pluses;
    }
    start = slash + 1;
  }
  return pattern;
}

bool wrapping_allowed(const AclRule& rule,
                      const std::optional<Seconds>& wrap_ttl) {
  const Seconds low = rule.min_wrapping_ttl;
  const Seconds high = rule.max_wrapping_ttl;
  if (low == Seconds{0} && high == Seconds{0}) return true;
  if (!wrap_ttl) return false;
  return *wrap_ttl >= low && (high == Seconds{0} || *wrap_ttl <= high);
}

bool checks_parameters(Operation operation) {
  return operation == Operation::kCreate || operation == Operation::kUpdate ||
         operation == Operation::kPatch || operation == Operation::kRead;
}

}  // namespace

struct Acl::Compiled {
  ExactTable exact;
  PatternTable patterns;

  const AclRule* exact_rule(std::string_view path) const {
    const auto found = exact.find(path);
    return found == exact.end() ? nullptr : &found->second;
  }
  const AclRule* winner(std::string_view path, bool list) const;
  const AclRule* winner_with_slash(std::string_view path, bool list) const;
  const AclRule* list_winner(std::string_view path) const;
};

// The one rule that decides on `path`; null when none matches.
const AclRule* Acl::Compiled::winner(std::string_view path, bool list) const {
  if (path.size() > 1 && path.ends_with('/')) {
    return winner_with_slash(path, list);
  }
  if (const AclRule* rule = exact_rule(path)) return rule;
  const AclPattern* pattern = patterns.find(path);
  return pattern == nullptr ? nullptr : &pattern->rule;
}

// For LIST the rules of "p/" and of "p" both apply, the form with the slash
// first. A deny must not be skipped by the other form, whatever the operation:
// of two patterns a deny wins when it stands before the other in precedence.
const AclRule* Acl::Compiled::winner_with_slash(std::string_view path,
                                                bool list) const {
  if (const AclRule* rule = exact_rule(path)) return rule;
  const std::string_view bare = path.substr(0, path.size() - 1);
  const AclPattern* slashed = patterns.find(path);
  const AclRule* exact_bare = exact_rule(bare);
  if (exact_bare != nullptr && (list || exact_bare->denies())) {
    // A deny that only the slash reaches ("p/*") is narrower than "p".
    const bool narrower_deny =
        slashed != nullptr && slashed->rule.denies() && !slashed->matches(bare);
    return narrower_deny ? &slashed->rule : exact_bare;
  }
  const AclPattern* other = patterns.find(bare);
  if (other != nullptr && other->rule.denies() &&
      (slashed == nullptr || other->rank < slashed->rank)) {
    return &other->rule;
  }
  if (slashed != nullptr) return &slashed->rule;
  return list && other != nullptr ? &other->rule : nullptr;
}

// LIST is of a folder, with or without its slash.
const AclRule* Acl::Compiled::list_winner(std::string_view path) const {
  if (path.ends_with('/')) return winner(path, true);
  std::array<char, 1024> buffer;
  if (path.size() < buffer.size()) {
    std::memcpy(buffer.data(), path.data(), path.size());
    buffer[path.size()] = '/';
    return winner({buffer.data(), path.size() + 1}, true);
  }
  return winner(std::string(path) + "/", true);
}

Acl::Acl(const std::vector<std::shared_ptr<const Policy>>& policies) {
  root_ = policies.size() == 1 && policies.front()->name == "root";
  auto compiled = std::make_unique<Compiled>();
  std::map<std::pair<std::string, bool>, AclPattern> patterns;
  for (const auto& policy : policies) {
    if (const auto& end = policy->meta.expiration) {
      good_until_ = std::min(good_until_, *end);
    }
    for (const PolicyRule& rule : policy->rules) {
      if (rule.templated) continue;
      if (!rule.prefix && !rule.segments) {
        compiled->exact[rule.path].merge(policy->name, rule);
        continue;
      }
      const auto [at, fresh] =
          patterns.try_emplace({rule.path, rule.prefix}, AclPattern{});
      if (fresh) at->second = make_pattern(rule);
      at->second.rule.merge(policy->name, rule);
    }
  }
  std::vector<AclPattern> list;
  list.reserve(patterns.size());
  for (auto& [key, pattern] : patterns) list.push_back(std::move(pattern));
  compiled->patterns.build(std::move(list));
  compiled_ = std::move(compiled);
}

Acl::~Acl() = default;

AclDecision Acl::decide(const AclRequest& request) const {
  static const std::vector<std::string> kRoot{"root"};
  if (root_) return {true, true, true, &kRoot};
  const bool list = api::is_of_folder(request.operation);
  const AclRule* rule = list ? compiled_->list_winner(request.path)
                             : compiled_->winner(request.path, false);
  AclDecision decision;
  decision.sudo = rule != nullptr && rule->grants() &&
                  (rule->capabilities & api::kCapSudo) != 0;
  if (request.operation == Operation::kHelp) {
    decision.allowed = true;
    return decision;  // by no rule
  }
  if (rule == nullptr || !rule->grants() ||
      (rule->capabilities & api::capability_for(request.operation)) == 0) {
    return decision;
  }
  if (!wrapping_allowed(*rule, request.wrap_ttl)) return decision;
  decision.allowed = !checks_parameters(request.operation) ||
                     parameters_allowed(*rule, request.body);
  if (decision.allowed) {
    decision.granted_by =
        rule->granted_by(api::capability_for(request.operation));
  }
  return decision;
}

api::Capabilities Acl::capabilities(std::string_view path) const {
  if (root_) return api::kCapRoot;
  const AclRule* rule = compiled_->winner(path, true);
  return rule != nullptr && rule->grants() ? rule->capabilities : api::kCapDeny;
}

bool Acl::may_touch(std::string_view prefix) const {
  if (root_ || capabilities(prefix) != api::kCapDeny) return true;
  for (const auto& [path, rule] : compiled_->exact) {
    if (rule.grants() && path.starts_with(prefix)) return true;
  }
  return std::ranges::any_of(
      compiled_->patterns.all(), [&](const AclPattern& pattern) {
        // A plain prefix above `prefix` was decided by capabilities().
        const bool above =
            !pattern.segments && prefix.starts_with(pattern.text);
        return pattern.rule.grants() && !above &&
               pattern.may_match_below(prefix);
      });
}

std::string Acl::resultant_json() const {
  std::map<std::string, api::Capabilities> exact;
  std::map<std::string, api::Capabilities> glob;
  for (const auto& [path, rule] : compiled_->exact) {
    exact[path] = rule.capabilities;
  }
  for (const AclPattern& pattern : compiled_->patterns.all()) {
    if (pattern.segments) continue;  // no prefix: '+' is not shown, as OpenBao
    glob[pattern.text] |= pattern.rule.capabilities;
  }
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  for (const auto& [name, paths] :
       {std::pair("exact_paths", &exact), std::pair("glob_paths", &glob)}) {
    out.key(name).begin_object();
    for (const auto& [path, granted] : *paths) {
      out.key(path).begin_object().key("capabilities");
      out.strings(capability_names(granted)).end_object();
    }
    out.end_object();
  }
  out.member("root", false).end_object();
  return json;
}

}  // namespace bulla::auth
