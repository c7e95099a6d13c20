// Random policies and paths, judged by the compiled Acl and by a second
// evaluator that knows none of its structures: regular patterns tried one after
// the other, compared pairwise.

#include <gtest/gtest.h>

#include <random>

#include "auth/acl.h"

namespace bulla::auth {
namespace {

using api::Operation;

struct Line {
  std::string pattern;  // as written
  bool deny = false;
  bool grants = false;  // the one capability that is asked for
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool is_star(const std::string& p) { return !p.empty() && p.back() == '*'; }

// The pattern as a list of segments matched by recursion.
bool fits(const std::vector<std::string>& pattern,
          const std::vector<std::string>& path, bool star, std::size_t i = 0) {
  if (i == pattern.size()) return i == path.size();
  if (i == path.size()) return false;
  const bool last = i + 1 == pattern.size();
  if (last && star) {
    return pattern[i] == "+" || path[i].rfind(pattern[i], 0) == 0;
  }
  if (pattern[i] != "+" && pattern[i] != path[i]) return false;
  return fits(pattern, path, star, i + 1);
}

bool line_matches(const std::string& written, const std::string& path) {
  const bool star = is_star(written);
  const std::string body =
      star ? written.substr(0, written.size() - 1) : written;
  return fits(split(body), split(path), star);
}

bool is_exact(const std::string& written) {
  if (is_star(written)) return false;
  for (const auto& part : split(written)) {
    if (part == "+") return false;
  }
  return true;
}

// The numbers that decide between two patterns, most important first; larger
// wins.
struct Weight {
  long wildcard_at;
  bool closed;
  long pluses;
  long length;
  std::string text;
  auto operator<=>(const Weight&) const = default;
};

Weight weight(const std::string& written) {
  Weight w{};
  const bool star = is_star(written);
  w.text = star ? written.substr(0, written.size() - 1) : written;
  w.closed = !star;
  w.length = static_cast<long>(w.text.size());
  w.wildcard_at = w.length;
  long at = 0;
  bool seen = false;
  for (const auto& part : split(w.text)) {
    if (part == "+") {
      if (!seen) w.wildcard_at = at;
      seen = true;
      --w.pluses;
    }
    at += static_cast<long>(part.size()) + 1;
  }
  return w;
}

class Simple {
 public:
  explicit Simple(std::vector<Line> lines) : lines_(std::move(lines)) {}

  // The written pattern that decides on `path` alone, "" for none.
  std::string best(const std::string& path, bool exact) const {
    std::string found;
    for (const Line& line : lines_) {
      if (is_exact(line.pattern) != exact) continue;
      if (exact ? line.pattern != path : !line_matches(line.pattern, path)) {
        continue;
      }
      if (found.empty() || weight(line.pattern) > weight(found)) {
        found = line.pattern;
      }
    }
    return found;
  }

  bool denies(const std::string& pattern) const {
    return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
      return line.pattern == pattern && line.deny;
    });
  }
  bool grants(const std::string& pattern) const {
    if (pattern.empty() || denies(pattern)) return false;
    return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
      return line.pattern == pattern && line.grants;
    });
  }

  bool plain(const std::string& path) const {
    const std::string exact = best(path, true);
    return grants(exact.empty() ? best(path, false) : exact);
  }

  // A path that ends in '/', `list` or not.
  bool slashed(const std::string& path, bool list) const {
    if (const auto exact = best(path, true); !exact.empty()) {
      return grants(exact);
    }
    const std::string bare = path.substr(0, path.size() - 1);
    const std::string own = best(path, false);
    const std::string bare_exact = best(bare, true);
    if (!bare_exact.empty()) {
      if (denies(bare_exact)) return false;
      if (list) {
        const bool narrower =
            !own.empty() && denies(own) && !line_matches(own, bare);
        return !narrower && grants(bare_exact);
      }
    }
    const std::string other = best(bare, false);
    if (!other.empty() && denies(other) &&
        (own.empty() || weight(other) > weight(own))) {
      return false;
    }
    if (!own.empty()) return grants(own);
    return list && grants(other);
  }

 private:
  std::vector<Line> lines_;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string segment(bool wild) {
    static const char* const kWords[] = {"a", "b", "ab", "abc", "c", ""};
    if (wild && below(4) == 0) return "+";
    return kWords[below(wild ? 5 : 6)];
  }
  std::string path(bool wild) {
    std::string out = segment(wild);
    for (std::size_t n = below(4); n > 0; --n) out += "/" + segment(wild);
    if (below(4) == 0) out += "/";
    if (wild && below(3) == 0 && !out.ends_with('+')) out += "*";
    return out;
  }
  std::vector<Line> lines() {
    std::vector<Line> out;
    for (std::size_t n = below(10); n > 0; --n) {
      out.push_back({path(true), below(3) == 0, below(4) != 0});
    }
    return out;
  }

 private:
  std::mt19937 random_;
};

std::string text_of(const std::vector<Line>& lines, std::string_view word) {
  std::string text;
  for (const Line& line : lines) {
    text += "path \"" + line.pattern + "\" { capabilities = [";
    if (line.grants) text += "\"" + std::string(word) + "\"";
    if (line.deny) text += std::string(line.grants ? ", " : "") + "\"deny\"";
    text += "] }\n";
  }
  return text;
}

// Lines spread over policies, as a token holds them.
Acl acl_from(const std::vector<Line>& lines, std::string_view word,
             Generator& random) {
  std::vector<std::vector<Line>> parts(3);
  for (const Line& line : lines) parts[random.below(3)].push_back(line);
  std::vector<std::shared_ptr<const Policy>> policies;
  for (const auto& part : parts) {
    auto parsed = parse_policy("p" + std::to_string(policies.size()),
                               text_of(part, word));
    EXPECT_TRUE(parsed) << parsed.error().message();
    policies.push_back(*parsed);
  }
  return Acl(policies);
}

TEST(AclProperty, AgreesWithASimpleEvaluator) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Generator random(seed);
  std::size_t allowed_count = 0;
  for (int round = 0; round < 1500; ++round) {
    const bool list = round % 2 == 0;
    const auto lines = random.lines();
    const Simple simple(lines);
    const Acl acl = acl_from(lines, list ? "list" : "read", random);
    for (int i = 0; i < 20; ++i) {
      const std::string path = random.path(false);
      std::string judged = path;
      if (list && !judged.ends_with('/')) judged += '/';
      const bool expected = judged.size() > 1 && judged.ends_with('/')
                                ? simple.slashed(judged, list)
                                : simple.plain(judged);
      const bool actual =
          acl.decide({list ? Operation::kList : Operation::kRead, path,
                      std::nullopt, std::nullopt})
              .allowed;
      allowed_count += actual ? 1 : 0;
      ASSERT_EQ(actual, expected) << (list ? "LIST " : "READ ") << path << "\n"
                                  << text_of(lines, "x");
    }
  }
  EXPECT_GT(allowed_count, 300U);
}

// Whatever the rules are, one more deny never grants, and the path itself
// denied exactly is refused by each operation and with either slash.
TEST(AclProperty, ADenyIsNeverSkipped) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Generator random(seed);
  for (int round = 0; round < 800; ++round) {
    auto lines = random.lines();
    std::string path = random.path(false);
    while (path.ends_with('/')) path.pop_back();
    while (path.starts_with('/')) path.erase(0, 1);  // as no routed path does
    if (path.empty()) continue;
    std::erase_if(lines,
                  [&](const Line& line) { return line.pattern == path + "/"; });
    lines.push_back({path, true, false});
    const Acl reads = acl_from(lines, "read", random);
    const Acl lists = acl_from(lines, "list", random);
    for (const std::string& form : {path, path + "/"}) {
      EXPECT_FALSE(
          reads.decide({Operation::kRead, form, std::nullopt, std::nullopt})
              .allowed)
          << form << "\n"
          << text_of(lines, "read");
      EXPECT_FALSE(
          lists.decide({Operation::kList, form, std::nullopt, std::nullopt})
              .allowed)
          << form << "\n"
          << text_of(lines, "list");
    }
  }
}

}  // namespace
}  // namespace bulla::auth
