#include "cli/hcl_format.h"

#include <algorithm>

#include "base/hcl.h"
#include "base/hcl_lexer.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view line) {
  const auto first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

// Lays out line by line; strings, comments and heredocs pass as they are.
class Layout {
 public:
  explicit Layout(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ <= text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      line(text_.substr(at_, end - at_));
      at_ = end + 1;
    }
    while (!out_.empty() && out_.back() == '\n') out_.pop_back();
    return out_.empty() ? out_ : out_ + "\n";
  }

 private:
  void line(std::string_view raw) {
    if (!heredoc_.empty()) {
      out_.append(raw).append("\n");
      if (trimmed(raw) == heredoc_) heredoc_.clear();
      return;
    }
    if (in_comment_) {
      in_comment_ = raw.find("*/") == std::string_view::npos;
      out_.append(raw).append("\n");
      return;
    }
    const auto content = trimmed(raw);
    if (content.empty()) {
      const bool second = out_.empty() || out_.ends_with("\n\n");
      if (!second) out_ += '\n';
      return;
    }
    append(content);
  }

  void append(std::string_view content) {
    const int before = depth_;
    const std::string laid = scan(content);
    // Brackets that close at the line's start belong to the level above.
    const int closing = static_cast<int>(
        std::min(content.find_first_not_of("]} "), content.size()));
    const auto head = content.substr(0, static_cast<std::size_t>(closing));
    const auto leading = std::count_if(head.begin(), head.end(),
                                       [](char c) { return c != ' '; });
    const int indent = std::max(0, before - static_cast<int>(leading));
    out_.append(static_cast<std::size_t>(indent) * 2, ' ');
    out_.append(laid).append("\n");
  }

  // The line with its "=" spaced; counts brackets, notices what spans lines.
  std::string scan(std::string_view content) {
    std::string laid;
    for (std::size_t i = 0; i < content.size();) {
      const auto rest = content.substr(i);
      const std::size_t opaque = opaque_length(rest);
      if (opaque > 0) {
        laid.append(rest.substr(0, opaque));
        i += opaque;
        continue;
      }
      i += plain(rest, laid);
    }
    return laid;
  }

  std::size_t plain(std::string_view rest, std::string& laid) {
    const char c = rest.front();
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && depth_ > 0) --depth_;
    if (c != '=') {
      laid += c;
      return 1;
    }
    while (!laid.empty() && kBlanks.find(laid.back()) != kBlanks.npos) {
      laid.pop_back();
    }
    laid += " = ";
    const auto next = rest.find_first_not_of(kBlanks, 1);
    return next == std::string_view::npos ? rest.size() : next;
  }

  // How much of `rest` must not be looked into: a string, a comment, the
  // opening of a heredoc.
  std::size_t opaque_length(std::string_view rest) {
    if (rest.front() == '"') return string_length(rest);
    if (rest.front() == '#' || rest.substr(0, 2) == "//") return rest.size();
    if (rest.substr(0, 2) == "/*") {
      const auto end = rest.find("*/", 2);
      in_comment_ = end == std::string_view::npos;
      return in_comment_ ? rest.size() : end + 2;
    }
    if (rest.substr(0, 2) != "<<") return 0;
    heredoc_ = trimmed(rest.substr(rest.substr(0, 3) == "<<-" ? 3 : 2));
    return rest.size();
  }

  static std::size_t string_length(std::string_view rest) {
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '\\') {
        ++i;
      } else if (rest[i] == '"') {
        return i + 1;
      }
    }
    return rest.size();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  std::string heredoc_;
  bool in_comment_ = false;
  int depth_ = 0;
};

Result<bool> same_tokens(std::string_view a, std::string_view b) {
  HclLexer left(a), right(b);
  for (;;) {
    TRY_ASSIGN(const auto one, left.next());
    TRY_ASSIGN(const auto other, right.next());
    if (one.kind != other.kind || one.text != other.text) return false;
    if (one.kind == HclTokenKind::kEnd) return true;
  }
}

}  // namespace

Result<std::string> format_hcl(std::string_view text) {
  TRY(parse_hcl(text));
  std::string laid = Layout(text).run();
  TRY_ASSIGN(const bool same, same_tokens(text, laid));
  if (same) return laid;
  return fail(invalid_argument("this text cannot be laid out safely"));
}

}  // namespace bulla::cli
