#include "auth/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "api/field_convert.h"
#include "auth/policy_hcl.h"
#include "base/hcl.h"

namespace bulla::auth {
namespace {

using api::Capabilities;

struct CapabilityName {
  std::string_view name;
  Capabilities bit;
};

// Sorted by name. "subscribe" and "recover" are words of the language that
// grant nothing here.
constexpr std::array kCapabilityNames = {
    CapabilityName{"create", api::kCapCreate},
    CapabilityName{"delete", api::kCapDelete},
    CapabilityName{"deny", api::kCapDeny},
    CapabilityName{"list", api::kCapList},
    CapabilityName{"patch", api::kCapPatch},
    CapabilityName{"read", api::kCapRead},
    CapabilityName{"recover", 0},
    CapabilityName{"root", api::kCapRoot},
    CapabilityName{"scan", api::kCapScan},
    CapabilityName{"subscribe", 0},
    CapabilityName{"sudo", api::kCapSudo},
    CapabilityName{"update", api::kCapUpdate},
};

// Keys that would narrow what the stanza grants. Reading past them would grant
// more than was written, so they are refused.
constexpr std::array<std::string_view, 6> kUnsupportedKeys = {
    "control_group", "expiration",       "list_scan_response_keys_filter_path",
    "mfa_methods",   "pagination_limit", "response_keys_filter_path"};

Result<Capabilities> capability_named(std::string_view name) {
  for (const auto& known : kCapabilityNames) {
    if (known.name == name && known.bit != api::kCapRoot) return known.bit;
  }
  return fail(invalid_argument(fmt::format("invalid capability \"{}\"", name)));
}

Result<Capabilities> legacy_capabilities(std::string_view policy) {
  constexpr Capabilities kRead = api::kCapRead | api::kCapList;
  constexpr Capabilities kWrite =
      kRead | api::kCapCreate | api::kCapUpdate | api::kCapDelete;
  if (policy == "deny") return api::kCapDeny;
  if (policy == "read") return kRead;
  if (policy == "write") return kWrite;
  if (policy == "sudo")
    return static_cast<Capabilities>(kWrite | api::kCapSudo);
  return fail(invalid_argument(fmt::format("invalid policy \"{}\"", policy)));
}

Result<void> add_capabilities(const HclValue& value, PolicyRule& rule) {
  TRY_ASSIGN(const auto names, hcl_strings(value));
  for (const std::string& name : names) {
    TRY_ASSIGN(const Capabilities bit, capability_named(name));
    rule.capabilities |= bit;
  }
  return {};
}

Result<void> set_legacy(const HclValue& value, PolicyRule& rule) {
  const std::string* const name = value.string();
  if (name == nullptr) return fail(invalid_argument("invalid policy"));
  if (name->empty()) return {};
  TRY_ASSIGN(const Capabilities granted, legacy_capabilities(*name));
  rule.capabilities |= granted;
  return {};
}

Result<Seconds> wrapping_ttl(std::string_view key, const HclValue& value) {
  const auto seconds = api::text_to_duration(value.scalar_text(), false);
  if (seconds && !value.list() && !value.object()) return *seconds;
  return fail(invalid_argument(fmt::format(
      "error parsing {}: {}", key,
      seconds ? "expected a duration" : seconds.error().message())));
}

Result<void> set_key(const HclItem& item, PolicyRule& rule) {
  const HclValue& value = *item.value;
  if (item.key == "capabilities") return add_capabilities(value, rule);
  if (item.key == "policy") return set_legacy(value, rule);
  if (item.key == "allowed_parameters") {
    TRY_ASSIGN(rule.allowed_parameters, hcl_parameters(value));
  } else if (item.key == "denied_parameters") {
    TRY_ASSIGN(rule.denied_parameters, hcl_parameters(value));
  } else if (item.key == "required_parameters") {
    TRY_ASSIGN(rule.required_parameters, hcl_strings(value));
    for (auto& name : rule.required_parameters) name = api::lower_case(name);
  } else if (item.key == "min_wrapping_ttl") {
    TRY_ASSIGN(rule.min_wrapping_ttl, wrapping_ttl(item.key, value));
  } else if (item.key == "max_wrapping_ttl") {
    TRY_ASSIGN(rule.max_wrapping_ttl, wrapping_ttl(item.key, value));
  }
  return {};
}

Result<void> check_key(const HclItem& item, std::set<std::string>& seen) {
  static constexpr std::array<std::string_view, 9> kKeys = {
      "allowed_parameters",
      "capabilities",
      "comment",
      "denied_parameters",
      "max_wrapping_ttl",
      "min_wrapping_ttl",
      "policy",
      "required_parameters",
      "subscribe_event_types"};
  if (std::ranges::count(kUnsupportedKeys, item.key) != 0) {
    return fail(invalid_argument(
        fmt::format("\"{}\" on line {} is not supported by this server",
                    item.key, item.line)));
  }
  if (std::ranges::count(kKeys, item.key) == 0 || !item.labels.empty()) {
    return fail(invalid_argument(
        fmt::format("invalid key \"{}\" on line {}", item.key, item.line)));
  }
  if (!seen.insert(item.key).second) {
    return fail(invalid_argument(
        fmt::format("The argument \"{}\" at line {} was already set. Each "
                    "argument can only be defined once",
                    item.key, item.line)));
  }
  return {};
}

bool has_plus_segment(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == "+") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

// Every "{{" has its "}}", in turn.
Result<bool> has_template(std::string_view path) {
  bool found = false;
  while (true) {
    const std::size_t open = path.find("{{");
    const std::size_t close = path.find("}}");
    if (open == std::string_view::npos && close == std::string_view::npos) {
      return found;
    }
    if (open == std::string_view::npos || close == std::string_view::npos ||
        close < open) {
      return fail(invalid_argument("unbalanced templating characters"));
    }
    found = true;
    path.remove_prefix(close + 2);
  }
}

Result<void> set_path(std::string_view path, PolicyRule& rule) {
  if (path.find("+*") != std::string_view::npos) {
    return fail(
        invalid_argument("invalid use of wildcards ('+*' is "
                         "forbidden)"));
  }
  TRY_ASSIGN(rule.templated, has_template(path));
  if (path.starts_with('/')) path.remove_prefix(1);
  rule.prefix = path.ends_with('*');
  if (rule.prefix) path.remove_suffix(1);
  rule.segments = has_plus_segment(path);
  rule.path = path;
  return {};
}

Result<PolicyRule> parse_rule(std::string_view path, const HclObject& stanza) {
  PolicyRule rule;
  TRY(set_path(path, rule));
  std::set<std::string> seen;
  for (const HclItem& item : stanza.items) {
    TRY(check_key(item, seen));
    TRY(set_key(item, rule));
  }
  if ((rule.capabilities & api::kCapDeny) != 0) {
    rule.capabilities = api::kCapDeny;
  }
  if (rule.min_wrapping_ttl > Seconds{0} &&
      rule.max_wrapping_ttl > Seconds{0} &&
      rule.max_wrapping_ttl < rule.min_wrapping_ttl) {
    return fail(invalid_argument(
        "max_wrapping_ttl cannot be less than min_wrapping_ttl"));
  }
  return rule;
}

Result<void> parse_rules(std::string_view text, Policy& policy) {
  TRY_ASSIGN(const HclObject root, parse_hcl(text));
  for (const HclItem& item : root.items) {
    if (item.key == "name" && item.labels.empty()) continue;
    if (item.key != "path") {
      return fail(invalid_argument(
          fmt::format("invalid key \"{}\" on line {}", item.key, item.line)));
    }
    TRY_ASSIGN(const auto stanzas, hcl_stanzas(item));
    for (const HclStanza& stanza : stanzas) {
      auto rule = parse_rule(stanza.label, *stanza.body);
      if (!rule) {
        return fail(std::move(rule).error().with_context(
            fmt::format("path \"{}\"", stanza.label)));
      }
      policy.rules.push_back(*std::move(rule));
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Policy>> parse_policy(std::string_view name,
                                                   std::string_view text,
                                                   PolicyMeta meta) {
  auto policy = std::make_shared<Policy>();
  policy->meta = meta;
  policy->name = name;
  policy->text = text;
  if (auto parsed = parse_rules(text, *policy); !parsed) {
    return fail(invalid_argument("failed to parse policy: " +
                                 parsed.error().message()));
  }
  return std::shared_ptr<const Policy>(std::move(policy));
}

std::vector<std::string_view> capability_names(Capabilities set) {
  std::vector<std::string_view> names;
  for (const auto& known : kCapabilityNames) {
    if ((set & known.bit) != 0) names.push_back(known.name);
  }
  return names;
}

std::string canonical_policy_name(std::string_view name) {
  return api::lower_case(api::trimmed(name));
}

std::vector<std::string> canonical_policies(
    const std::vector<std::string>& names) {
  std::set<std::string> set;
  for (const std::string& name : names) {
    std::string canonical = canonical_policy_name(name);
    if (!canonical.empty()) set.insert(std::move(canonical));
  }
  if (set.contains("root")) return {"root"};
  return {set.begin(), set.end()};
}

}  // namespace bulla::auth
