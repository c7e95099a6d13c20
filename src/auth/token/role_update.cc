// Writing auth/token/roles/:role: reading and checking the fields.

#include <fmt/format.h>

#include <algorithm>

#include "auth/cidr.h"
#include "auth/policy.h"
#include "auth/token/token_role.h"

namespace bulla::auth {
namespace {

// \w[\w-.]+\w
bool suffix_is_valid(std::string_view suffix) {
  const auto word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (suffix.size() < 3 || !word(suffix.front()) || !word(suffix.back())) {
    return false;
  }
  return std::ranges::all_of(
      suffix, [&](char c) { return word(c) || c == '-' || c == '.'; });
}

// Under its present name or its old one; both at once draws a warning.
struct Renamed {
  std::string_view current;
  std::string_view old;
  TokenRole::Legacy bit;
};

// The name that the request uses, or "" for neither.
std::string_view name_given(const api::Fields& fields, const Renamed& renamed,
                            TokenRole& role,
                            std::vector<std::string>& warnings) {
  const bool current = fields.has(renamed.current);
  const bool old = fields.has(renamed.old);
  if (!current && !old) return {};
  const auto bit = static_cast<std::uint8_t>(renamed.bit);
  const auto cleared = static_cast<std::uint8_t>(role.legacy & ~bit);
  role.legacy = current ? cleared : static_cast<std::uint8_t>(cleared | bit);
  if (current && old) {
    warnings.push_back(
        fmt::format("Both '{}' and deprecated '{}' value supplied, ignoring "
                    "the deprecated value",
                    renamed.current, renamed.old));
  }
  return current ? renamed.current : renamed.old;
}

void update_policies(const api::Fields& fields, TokenRole& role) {
  const auto set = [&](std::string_view name, std::vector<std::string>& list) {
    if (fields.has(name)) list = canonical_policies(fields.strings(name));
  };
  set("allowed_policies", role.allowed_policies);
  set("disallowed_policies", role.disallowed_policies);
  set("allowed_policies_glob", role.allowed_policies_glob);
  set("disallowed_policies_glob", role.disallowed_policies_glob);
}

Result<void> update_type(const api::Fields& fields, TokenRole& role) {
  if (!fields.has("token_type")) return {};
  const std::string_view name = fields.text("token_type");
  using Type = TokenRole::Type;
  for (const Type type : {Type::kDefaultService, Type::kDefaultBatch,
                          Type::kService, Type::kBatch}) {
    if (name != role_type_name(type)) continue;
    role.type = type;
    return {};
  }
  return fail(
      invalid_argument(fmt::format("invalid 'token_type' value \"{}\"", name)));
}

Result<void> check_batch(const TokenRole& role) {
  if (role.type != TokenRole::Type::kBatch) return {};
  const auto refuse = [](std::string_view what) {
    return fail(invalid_argument(fmt::format(
        "'token_type' cannot be 'batch' when role is set to generate {}",
        what)));
  };
  if (!role.orphan) return refuse("non-orphan tokens");
  if (role.period > Seconds{0}) return refuse("periodic tokens");
  if (role.renewable) return refuse("renewable tokens");
  if (role.explicit_max_ttl > Seconds{0}) {
    return refuse("tokens with an explicit max TTL");
  }
  if (role.num_uses > 0) return refuse("tokens with limited use count");
  return {};
}

Result<void> update_cidrs(const api::Fields& fields, TokenRole& role,
                          std::vector<std::string>& warnings) {
  const auto given = name_given(
      fields, {"token_bound_cidrs", "bound_cidrs", TokenRole::kCidrs}, role,
      warnings);
  if (!given.empty()) {
    role.bound_cidrs.clear();
    for (const std::string& text : fields.strings(given)) {
      auto block = parse_cidr(text);
      if (!block) {
        return fail(invalid_argument("error parsing role fields: " +
                                     std::string(block.error().message())));
      }
      role.bound_cidrs.push_back(*std::move(block));
    }
  }
  role.strictly_bind_ip =
      fields.boolean("token_strictly_bind_ip", role.strictly_bind_ip);
  if (role.strictly_bind_ip && !role.bound_cidrs.empty()) {
    return fail(invalid_argument(
        "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only "
        "one"));
  }
  return {};
}

Result<void> update_times(const api::Fields& fields, TokenRole& role,
                          std::vector<std::string>& warnings) {
  const auto period = name_given(
      fields, {"token_period", "period", TokenRole::kPeriod}, role, warnings);
  if (!period.empty()) role.period = fields.duration(period);
  const auto maximum = name_given(fields,
                                  {"token_explicit_max_ttl", "explicit_max_ttl",
                                   TokenRole::kExplicitMaxTtl},
                                  role, warnings);
  if (!maximum.empty()) role.explicit_max_ttl = fields.duration(maximum);
  if (role.period < Seconds{0}) {
    return fail(invalid_argument("'token_period' cannot be negative"));
  }
  if (role.explicit_max_ttl < Seconds{0}) {
    return fail(
        invalid_argument("'token_explicit_max_ttl' cannot be negative"));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> update_role(const api::Fields& fields,
                                             TokenRole& role) {
  std::vector<std::string> warnings;
  update_policies(fields, role);
  role.orphan = fields.boolean("orphan", role.orphan);
  role.renewable = fields.boolean("renewable", role.renewable);
  role.no_default_policy =
      fields.boolean("token_no_default_policy", role.no_default_policy);
  if (fields.has("path_suffix")) {
    role.path_suffix = fields.text("path_suffix");
    if (!role.path_suffix.empty() && !suffix_is_valid(role.path_suffix)) {
      return fail(invalid_argument(
          "given role path suffix contains invalid characters; must match "
          "\\w[\\w-.]+\\w"));
    }
  }
  if (fields.has("allowed_entity_aliases")) {
    role.allowed_entity_aliases = fields.strings("allowed_entity_aliases");
  }
  TRY(update_times(fields, role, warnings));
  TRY(update_cidrs(fields, role, warnings));
  role.num_uses = fields.integer("token_num_uses", role.num_uses);
  if (role.num_uses < 0) {
    return fail(invalid_argument("'token_num_uses' cannot be negative"));
  }
  TRY(update_type(fields, role));
  TRY(check_batch(role));
  return warnings;
}

}  // namespace bulla::auth
