#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/field.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::auth {

/// What tokens made at auth/token/create/<name> get.
struct TokenRole {
  enum class Type : std::uint8_t {
    kDefaultService,  ///< The request chooses; service when it does not.
    kDefaultBatch,
    kService,
    kBatch,
  };
  /// Which values were written by their old names, and so are shown there too.
  enum Legacy : std::uint8_t { kPeriod = 1, kExplicitMaxTtl = 2, kCidrs = 4 };

  std::string name;  ///< Its path; not in the record.
  std::vector<std::string> allowed_policies;
  std::vector<std::string> allowed_policies_glob;
  std::vector<std::string> disallowed_policies;
  std::vector<std::string> disallowed_policies_glob;
  std::vector<std::string> allowed_entity_aliases;
  std::vector<std::string> bound_cidrs;
  std::string path_suffix;
  Type type = Type::kDefaultService;
  Seconds period{0};
  Seconds explicit_max_ttl{0};
  std::int64_t num_uses = 0;
  bool orphan = false;
  bool renewable = true;
  bool no_default_policy = false;
  bool strictly_bind_ip = false;
  std::uint8_t legacy = 0;

  bool limits_policies() const {
    return !allowed_policies.empty() || !allowed_policies_glob.empty() ||
           !disallowed_policies.empty() || !disallowed_policies_glob.empty();
  }
};

/// The record of docs/formats/token.md.
SecretBytes serialize_role(const TokenRole& role);
///   kCorrupt  not such a record.
Result<TokenRole> parse_role(std::string name, ByteView record);

std::string_view role_type_name(TokenRole::Type type);

/// Applies what a request sets; what it does not name stays. Returns warnings.
///   kInvalidArgument  the texts of reference/auth.md §2 "Roles" and §3.
Result<std::vector<std::string>> update_role(const api::Fields& fields,
                                             TokenRole& role);

/// Whether a pattern of '*'s at its ends fits ("dev-*").
bool policy_glob_matches(const std::vector<std::string>& globs,
                         std::string_view name);

}  // namespace bulla::auth
