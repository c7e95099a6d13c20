#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulla {

enum class HclTokenKind : std::uint8_t {
  kEnd,
  kIdentifier,  ///< letters, digits, '_', '-', '.'
  kString,      ///< quoted or a heredoc; `text` is unescaped
  kNumber,      ///< `text` as written
  kBoolean,     ///< `text` is "true" or "false"
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kAssign,
};

struct HclToken {
  HclTokenKind kind = HclTokenKind::kEnd;
  std::string text;
  int line = 1;
};

/// Cuts HCL text, which must be valid UTF-8, into tokens; comments and white
/// space are gone. Not thread-safe.
class HclLexer {
 public:
  explicit HclLexer(std::string_view text) : text_(text) {}

  /// The next token; kEnd again and again at the end.
  ///   kInvalidArgument  "line N: …".
  Result<HclToken> next();

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take_while(std::size_t& n, bool (*accepted)(char)) const;
  bool at_end() const { return at_ >= text_.size(); }
  void advance(std::size_t n);
  Error error_here(std::string_view what) const;
  HclToken token(HclTokenKind kind, std::size_t length);

  Result<void> skip_blanks();
  Result<void> skip_block_comment();
  void skip_line();
  Result<HclToken> string();
  Result<void> escape(std::string& out);
  Result<void> code_point(std::string& out, int base, std::size_t digits);
  Result<void> interpolation(std::string& out);
  Result<HclToken> heredoc();
  Result<HclToken> number();
  HclToken word();

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

/// "line N: what" as an Error, as everything about HCL is reported.
Error hcl_error(int line, std::string_view what);

}  // namespace bulla
