#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/operation.h"
#include "auth/policy.h"
#include "base/clock.h"

namespace bulla::auth {

/// The rules of one pattern, merged over all policies that name it.
struct AclRule {
  api::Capabilities capabilities = 0;
  std::map<std::string, std::vector<std::string>> allowed_parameters;
  std::map<std::string, std::vector<std::string>> denied_parameters;
  std::vector<std::string> required_parameters;
  Seconds min_wrapping_ttl{0};
  Seconds max_wrapping_ttl{0};
  /// For each capability the policies that grant it, sorted.
  std::vector<std::pair<api::Capabilities, std::vector<std::string>>> granting;

  void merge(const std::string& policy, const PolicyRule& rule);
  bool denies() const { return (capabilities & api::kCapDeny) != 0; }
  bool grants() const { return capabilities != 0 && !denies(); }
  /// The policies that grant `capability`, one bit; null when none does.
  const std::vector<std::string>* granted_by(
      api::Capabilities capability) const;

 private:
  void add_granting(const std::string& policy, api::Capabilities capability);
};

/// A pattern that is not one exact path: it ends in '*', or has '+' segments,
/// or both.
struct AclPattern {
  std::string text;  ///< Without the '*'.
  bool prefix = false;
  bool segments = false;
  std::size_t head = 0;  ///< Characters before the first wildcard.
  std::size_t pluses = 0;
  std::size_t rank = 0;  ///< Precedence: the lowest rank that matches wins.
  AclRule rule;

  bool matches(std::string_view path) const;
  /// Some path below `prefix_path` could match.
  bool may_match_below(std::string_view prefix_path) const;
};

/// Patterns in a form that finds the winner in the logarithm of their number:
/// grouped by head, heads sorted, each linked to the longest other head that it
/// starts with. The longest head comes first, as the order of precedence asks.
class PatternTable {
 public:
  /// Takes patterns, each (text, prefix) once.
  void build(std::vector<AclPattern> patterns);
  /// The pattern of highest precedence that matches; null when none does.
  const AclPattern* find(std::string_view path) const;
  const std::vector<AclPattern>& all() const { return patterns_; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Group {
    std::string_view head;  // into the first pattern's text
    std::size_t begin = 0;  // its patterns, in order of precedence
    std::size_t end = 0;
    std::size_t shorter = kNone;  // group of the next shorter matching head
  };

  std::vector<AclPattern> patterns_;  // by head, then by precedence
  std::vector<Group> groups_;         // by head, bytewise
};

struct TransparentHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
using ExactTable =
    std::unordered_map<std::string, AclRule, TransparentHash, std::equal_to<>>;

}  // namespace bulla::auth
