#include "base/hcl_lexer.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulla {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool starts_word(char c) {
  // A letter beyond ASCII starts with a byte of 0x80 or more.
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) {
  return starts_word(c) || is_digit(c) || c == '-' || c == '.';
}
std::uint32_t digit_value(char c) {
  if (is_digit(c)) return static_cast<std::uint32_t>(c - '0');
  return static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

// Removes `indent` from the start of every line of `body`, if all have it.
std::string unindent(std::string_view body, std::string_view indent) {
  std::string out;
  for (std::string_view rest = body; !rest.empty();) {
    if (!rest.starts_with(indent)) return std::string(body);
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    out.append(rest.substr(indent.size(), end - indent.size()));
    rest.remove_prefix(end);
  }
  return out;
}

}  // namespace

Error hcl_error(int line, std::string_view what) {
  return invalid_argument(fmt::format("line {}: {}", line, what));
}

Error HclLexer::error_here(std::string_view what) const {
  return hcl_error(line_, what);
}

void HclLexer::advance(std::size_t n) {
  const std::string_view passed = text_.substr(at_, n);
  line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
  at_ += passed.size();
}

HclToken HclLexer::token(HclTokenKind kind, std::size_t length) {
  HclToken made{kind, std::string(text_.substr(at_, length)), line_};
  advance(length);
  return made;
}

void HclLexer::skip_line() {
  advance(std::min(text_.find('\n', at_), text_.size()) - at_);
}

Result<void> HclLexer::skip_block_comment() {
  const std::size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) {
    return fail(error_here("a comment is not closed"));
  }
  advance(end + 2 - at_);
  return {};
}

Result<void> HclLexer::skip_blanks() {
  while (!at_end()) {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      advance(1);
    } else if (c == '#' || (c == '/' && peek(1) == '/')) {
      skip_line();
    } else if (c == '/' && peek(1) == '*') {
      TRY(skip_block_comment());
    } else {
      break;
    }
  }
  return {};
}

Result<HclToken> HclLexer::next() {
  TRY(skip_blanks());
  if (at_end()) return HclToken{HclTokenKind::kEnd, {}, line_};
  const char c = peek();
  switch (c) {
    case '{':
      return token(HclTokenKind::kLeftBrace, 1);
    case '}':
      return token(HclTokenKind::kRightBrace, 1);
    case '[':
      return token(HclTokenKind::kLeftBracket, 1);
    case ']':
      return token(HclTokenKind::kRightBracket, 1);
    case ',':
      return token(HclTokenKind::kComma, 1);
    case '=':
      return token(HclTokenKind::kAssign, 1);
    case '"':
      return string();
    default:
      break;
  }
  if (c == '<' && peek(1) == '<') return heredoc();
  if (starts_word(c)) return word();
  if (is_digit(c) || c == '-' || c == '.') return number();
  if (c < ' ' || c == 0x7f) {
    return fail(error_here("unexpected control character"));
  }
  return fail(error_here(fmt::format("unexpected character '{}'", c)));
}

HclToken HclLexer::word() {
  std::size_t length = 1;
  while (continues_word(peek(length))) ++length;
  HclToken made = token(HclTokenKind::kIdentifier, length);
  if (made.text == "true" || made.text == "false") {
    made.kind = HclTokenKind::kBoolean;
  }
  return made;
}

// Takes what `accepted` accepts from offset `n` on; says whether it was any.
bool HclLexer::take_while(std::size_t& n, bool (*accepted)(char)) const {
  const std::size_t start = n;
  while (accepted(peek(n))) ++n;
  return n > start;
}

// -1, 0x1F, 0755 (octal), 1.5, .5, 1e9.
Result<HclToken> HclLexer::number() {
  std::size_t n = peek() == '-' ? 1 : 0;
  bool valid = true;
  if (peek(n) == '0' && (peek(n + 1) | 0x20) == 'x') {
    n += 2;
    valid = take_while(n, is_hex);
  } else {
    const bool octal = peek(n) == '0' && is_digit(peek(n + 1));
    valid = take_while(n, octal ? is_octal : is_digit);
    if (peek(n) == '.') valid = take_while(++n, is_digit) && !octal;
    if (valid && (peek(n) | 0x20) == 'e') {
      ++n;
      if (peek(n) == '+' || peek(n) == '-') ++n;
      valid = take_while(n, is_digit) && !octal;
    }
  }
  if (!valid || continues_word(peek(n))) {
    return fail(error_here("not a number"));
  }
  return token(HclTokenKind::kNumber, n);
}

Result<HclToken> HclLexer::string() {
  HclToken made{HclTokenKind::kString, {}, line_};
  advance(1);
  while (!at_end() && peek() != '"') {
    const char c = peek();
    if (c == '\n') return fail(error_here("a string is not closed"));
    if (c == '\\') {
      TRY(escape(made.text));
    } else if (c == '$' && peek(1) == '{') {
      TRY(interpolation(made.text));
    } else {
      made.text += c;
      advance(1);
    }
  }
  if (at_end()) return fail(hcl_error(made.line, "a string is not closed"));
  advance(1);
  return made;
}

// "${…}" is kept as it stands, its braces balanced; escapes, quotes and new
// lines within it mean nothing here.
Result<void> HclLexer::interpolation(std::string& out) {
  const int start = line_;
  std::size_t depth = 0;
  do {
    if (at_end()) return fail(hcl_error(start, "a \"${\" is not closed"));
    const char c = peek();
    if (c == '{') ++depth;
    if (c == '}') --depth;
    out += c;
    advance(1);
  } while (depth > 0 || out.back() == '$');
  return {};
}

Result<void> HclLexer::escape(std::string& out) {
  static constexpr std::string_view kLetters = "abfnrtv\\\"";
  static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\\"";
  const char c = peek(1);
  const std::size_t letter = kLetters.find(c);
  if (c != '\0' && letter != std::string_view::npos) {
    out += kMeanings[letter];
    advance(2);
    return {};
  }
  if (is_octal(c)) {
    advance(1);
    return code_point(out, 8, 3);
  }
  if (c != 'x' && c != 'u' && c != 'U') {
    return fail(error_here("unknown escape in a string"));
  }
  advance(2);
  return code_point(out, 16, c == 'x' ? 2 : c == 'u' ? 4 : 8);
}

// All escapes by number name code points, so that a string stays valid UTF-8.
Result<void> HclLexer::code_point(std::string& out, int base,
                                  std::size_t digits) {
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = peek();
    const bool digit = base == 8 ? is_octal(c) : is_hex(c);
    if (!digit) return fail(error_here("an escape in a string is cut short"));
    code = code * static_cast<std::uint32_t>(base) + digit_value(c);
    advance(1);
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return fail(error_here("an escape in a string is not a character"));
  }
  append_utf8(out, code);
  return {};
}

// <<EOF or <<-EOF to a line that holds EOF alone. The second form takes the
// last line's indentation off every line.
Result<HclToken> HclLexer::heredoc() {
  HclToken made{HclTokenKind::kString, {}, line_};
  advance(2);
  const bool indented = peek() == '-';
  if (indented) advance(1);
  std::size_t length = 0;
  while (continues_word(peek(length))) ++length;
  const std::string_view anchor = text_.substr(at_, length);
  advance(length);
  if (peek() == '\r') advance(1);
  if (anchor.empty() || peek() != '\n') {
    return fail(error_here("a heredoc needs a word and a new line after <<"));
  }
  advance(1);
  const std::size_t start = at_;
  while (!at_end()) {
    const std::size_t line_start = at_;
    skip_line();
    std::string_view line = text_.substr(line_start, at_ - line_start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t indent =
        std::min(line.find_first_not_of(" \t"), line.size());
    if (line.substr(indent) == anchor) {
      const std::string_view body = text_.substr(start, line_start - start);
      made.text =
          indented ? unindent(body, line.substr(0, indent)) : std::string(body);
      return made;
    }
    advance(1);
  }
  return fail(hcl_error(made.line, "a heredoc is not closed"));
}

}  // namespace bulla
