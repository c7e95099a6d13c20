#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/rng.h"

namespace bulla::server {

/// How passwords are made: `length = 20` and
/// `rule "charset" { charset = "abc" min-chars = 1 }`, once or more.
struct PasswordPolicy {
  static constexpr std::size_t kLengthMin = 4;
  static constexpr std::size_t kLengthMax = 100;
  static constexpr std::size_t kCharactersMax = 256;
  static constexpr std::size_t kRulesMax = 16;

  struct Rule {
    std::vector<std::string> charset;  ///< Each a UTF-8 character, once.
    std::size_t min_chars = 0;
  };

  std::size_t length = 20;
  std::vector<Rule> rules;
  std::vector<std::string> characters;  ///< Of all rules, each once.
};

/// HCL or JSON.
///   kInvalidArgument  what is wrong with it.
Result<PasswordPolicy> parse_password_policy(std::string_view text);

/// Uniform over all passwords that the policy allows.
///   kInternal  too few of what its charsets give fit its rules.
Result<std::string> make_password(const PasswordPolicy& policy,
                                  crypto::Rng& rng);

}  // namespace bulla::server
