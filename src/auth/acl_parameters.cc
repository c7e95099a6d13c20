#include "auth/acl_parameters.h"

#include <algorithm>

#include "api/field_convert.h"

namespace bulla::auth {
namespace {

using Values = std::vector<std::string>;

bool glob_match(std::string_view glob, std::string_view text) {
  const bool open_start = glob.starts_with('*');
  if (open_start) glob.remove_prefix(1);
  const bool open_end = glob.ends_with('*');
  if (open_end) glob.remove_suffix(1);
  if (open_start && open_end) return text.find(glob) != std::string_view::npos;
  if (open_start) return text.ends_with(glob);
  if (open_end) return text.starts_with(glob);
  return text == glob;
}

std::string comparable(const JsonElement& value) {
  if (!value.is_string()) return json_text(value);
  return std::string(value.get_string().value_unsafe());
}

bool listed(const JsonElement& value, const Values& values) {
  const std::string text = comparable(value);
  return std::ranges::any_of(
      values, [&](const std::string& glob) { return glob_match(glob, text); });
}

bool denied(const JsonElement& value, const Values& values) {
  if (values.empty() || listed(value, values)) return true;
  if (!value.is_array()) return false;
  const JsonArray array = value.get_array().value_unsafe();
  return std::any_of(array.begin(), array.end(), [&](const JsonElement item) {
    return listed(item, values);
  });
}

bool allowed(const JsonElement& value, const Values& values) {
  if (values.empty() || listed(value, values)) return true;
  if (!value.is_array()) return false;
  const JsonArray array = value.get_array().value_unsafe();
  if (array.size() == 0) return false;
  return std::all_of(array.begin(), array.end(), [&](const JsonElement item) {
    return listed(item, values);
  });
}

bool member_allowed(const AclRule& rule, std::string_view key,
                    const JsonElement& value) {
  const std::string name = api::lower_case(key);
  const auto& denials = rule.denied_parameters;
  if (denials.contains("*")) return false;
  if (const auto at = denials.find(name); at != denials.end()) {
    if (denied(value, at->second)) return false;
  }
  const auto& allowances = rule.allowed_parameters;
  if (allowances.empty()) return true;
  if (const auto at = allowances.find(name); at != allowances.end()) {
    return allowed(value, at->second);
  }
  return allowances.contains("*");
}

bool has_member(const JsonObject& body, std::string_view name) {
  return std::any_of(body.begin(), body.end(), [&](const auto& member) {
    return api::lower_case(member.key) == name;
  });
}

}  // namespace

bool parameters_allowed(const AclRule& rule,
                        const std::optional<JsonObject>& body) {
  if (!body) return rule.required_parameters.empty();
  for (const std::string& name : rule.required_parameters) {
    if (!has_member(*body, name)) return false;
  }
  if (rule.denied_parameters.empty() && rule.allowed_parameters.empty()) {
    return true;
  }
  for (const auto member : *body) {
    if (!member_allowed(rule, member.key, member.value)) return false;
  }
  return true;
}

}  // namespace bulla::auth
