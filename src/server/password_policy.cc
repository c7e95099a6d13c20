#include "server/password_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/hcl.h"
#include "base/secret_bytes.h"

namespace bulla::server {
namespace {

// At a chance of one in ten thousand, a password is found in a blink.
constexpr int kTriesMax = 100'000;

Result<std::size_t> whole_number(const HclItem& item) {
  const std::string text = item.value->scalar_text();
  std::size_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return fail(invalid_argument(
      fmt::format("line {}: {} is no whole number", item.line, item.key)));
}

// The text is valid UTF-8: the parser has seen to that.
std::vector<std::string> characters_of(std::string_view text) {
  std::vector<std::string> characters;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
    std::string one(text.substr(i, end - i));
    if (std::ranges::count(characters, one) == 0) {
      characters.push_back(std::move(one));
    }
    i = end;
  }
  return characters;
}

Result<void> take_charset(const HclItem& item, PasswordPolicy::Rule& rule) {
  const std::string* const text = item.value->string();
  const bool printable =
      text != nullptr && std::ranges::none_of(*text, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      });
  if (!printable || text->empty()) {
    return fail(invalid_argument(fmt::format(
        "line {}: charset must be a text of printable characters", item.line)));
  }
  rule.charset = characters_of(*text);
  return {};
}

Result<PasswordPolicy::Rule> parse_rule(const HclObject& body, int line) {
  PasswordPolicy::Rule rule;
  for (const HclItem& item : body.items) {
    if (item.key == "charset") {
      TRY(take_charset(item, rule));
      continue;
    }
    if (item.key != "min-chars" && item.key != "min_chars") {
      return fail(invalid_argument(
          fmt::format("line {}: unknown key \"{}\"", item.line, item.key)));
    }
    TRY_ASSIGN(rule.min_chars, whole_number(item));
  }
  if (!rule.charset.empty()) return rule;
  return fail(
      invalid_argument(fmt::format("line {}: a rule needs a charset", line)));
}

// `rule "charset" {…}`, or JSON's {"rule": [{"charset": {…}}]}.
Result<void> add_rules(const HclItem& item, const HclValue& value,
                       PasswordPolicy& policy) {
  if (const HclList* const list = value.list()) {
    for (const HclValue& one : list->values) TRY(add_rules(item, one, policy));
    return {};
  }
  const HclObject* const body = value.object();
  if (body == nullptr || policy.rules.size() >= PasswordPolicy::kRulesMax) {
    return fail(invalid_argument(
        fmt::format("line {}: a rule is a block, and there are at most {}",
                    item.line, PasswordPolicy::kRulesMax)));
  }
  if (item.labels.empty()) {
    const HclItem* const charset = body->find("charset");
    if (charset == nullptr || body->items.size() != 1 ||
        charset->value->object() == nullptr) {
      return fail(invalid_argument(fmt::format(
          "line {}: the one type of rule is \"charset\"", item.line)));
    }
    TRY_ASSIGN(auto rule, parse_rule(*charset->value->object(), item.line));
    policy.rules.push_back(std::move(rule));
    return {};
  }
  if (item.labels.size() != 1 || item.labels.front() != "charset") {
    return fail(invalid_argument(fmt::format(
        "line {}: the one type of rule is \"charset\"", item.line)));
  }
  TRY_ASSIGN(auto rule, parse_rule(*body, item.line));
  policy.rules.push_back(std::move(rule));
  return {};
}

Result<void> check(PasswordPolicy& policy) {
  if (policy.length < PasswordPolicy::kLengthMin ||
      policy.length > PasswordPolicy::kLengthMax) {
    return fail(invalid_argument(fmt::format("length must be between {} and {}",
                                             PasswordPolicy::kLengthMin,
                                             PasswordPolicy::kLengthMax)));
  }
  if (policy.rules.empty()) {
    return fail(invalid_argument("a policy needs a rule \"charset\""));
  }
  std::size_t least = 0;
  for (const auto& rule : policy.rules) {
    least += std::min(rule.min_chars, PasswordPolicy::kLengthMax + 1);
    for (const std::string& one : rule.charset) {
      if (std::ranges::count(policy.characters, one) == 0) {
        policy.characters.push_back(one);
      }
    }
  }
  if (policy.characters.size() > PasswordPolicy::kCharactersMax) {
    return fail(invalid_argument(fmt::format("more characters than {}",
                                             PasswordPolicy::kCharactersMax)));
  }
  if (least <= policy.length) return {};
  return fail(invalid_argument(
      "the rules ask for more characters than the length has"));
}

// One of `count`, 256 at most, each as likely.
std::size_t pick(std::size_t count, crypto::Rng& rng) {
  const std::size_t limit = 256 - 256 % count;
  std::array<std::uint8_t, 1> byte;
  do {
    rng.fill(byte);
  } while (byte[0] >= limit);
  return byte[0] % count;
}

bool fits(const PasswordPolicy& policy, std::span<const std::size_t> chosen) {
  return std::ranges::all_of(policy.rules, [&](const auto& rule) {
    const auto in_rule = [&](std::size_t index) {
      return std::ranges::count(rule.charset, policy.characters[index]) != 0;
    };
    return static_cast<std::size_t>(std::ranges::count_if(chosen, in_rule)) >=
           rule.min_chars;
  });
}

}  // namespace

Result<PasswordPolicy> parse_password_policy(std::string_view text) {
  TRY_ASSIGN(const HclObject root, parse_hcl(text));
  PasswordPolicy policy;
  for (const HclItem& item : root.items) {
    if (item.key == "length") {
      TRY_ASSIGN(policy.length, whole_number(item));
    } else if (item.key == "rule") {
      TRY(add_rules(item, *item.value, policy));
    } else {
      return fail(invalid_argument(
          fmt::format("line {}: unknown key \"{}\"", item.line, item.key)));
    }
  }
  TRY(check(policy));
  return policy;
}

Result<std::string> make_password(const PasswordPolicy& policy,
                                  crypto::Rng& rng) {
  std::vector<std::size_t> chosen(policy.length);
  const WipeGuard guard({reinterpret_cast<std::uint8_t*>(chosen.data()),
                         chosen.size() * sizeof(std::size_t)});
  for (int i = 0; i < kTriesMax; ++i) {
    for (std::size_t& one : chosen) one = pick(policy.characters.size(), rng);
    if (!fits(policy, chosen)) continue;
    std::string password;
    for (const std::size_t one : chosen) password += policy.characters[one];
    return password;
  }
  return fail(internal_error(
      "no password was found that fits the rules: too few of those that the "
      "charsets give do"));
}

}  // namespace bulla::server
