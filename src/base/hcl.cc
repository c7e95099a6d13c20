#include "base/hcl.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/hcl_json.h"
#include "base/hcl_lexer.h"

namespace bulla {
namespace {

using Kind = HclTokenKind;

// The lexer has let by: decimal, hexadecimal, or octal behind a zero.
double number_value(const std::string& text) {
  const bool negative = text[0] == '-';
  const char* const digits = text.c_str() + (negative ? 1 : 0);
  const bool octal = digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
  const double size =
      octal ? static_cast<double>(std::strtoull(digits, nullptr, 8))
            : std::strtod(digits, nullptr);
  return negative ? -size : size;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<HclObject> run() {
    TRY(advance());
    return items(Kind::kEnd);
  }

 private:
  Result<void> advance() {
    TRY_ASSIGN(token_, lexer_.next());
    return {};
  }
  Error unexpected(std::string_view wanted) const {
    return hcl_error(token_.line, fmt::format("expected {}", wanted));
  }

  // Items, optionally with commas between them, up to `end`, which is taken.
  Result<HclObject> items(Kind end) {
    HclObject object;
    while (token_.kind != end) {
      TRY_ASSIGN(HclItem made, item());
      object.items.push_back(std::move(made));
      if (token_.kind == Kind::kComma) TRY(advance());
    }
    if (end != Kind::kEnd) TRY(advance());
    return object;
  }

  Result<HclItem> item() {
    HclItem made;
    made.line = token_.line;
    std::vector<std::string> names;
    while (token_.kind == Kind::kIdentifier || token_.kind == Kind::kString) {
      names.push_back(std::move(token_.text));
      TRY(advance());
    }
    if (names.empty()) {
      return fail(unexpected(depth_ == 0 ? "a key" : "a key or '}'"));
    }
    const bool assigned = token_.kind == Kind::kAssign;
    if (assigned && names.size() > 1) {
      return fail(unexpected("'{' after a block's labels, not '='"));
    }
    if (!assigned && token_.kind != Kind::kLeftBrace) {
      return fail(unexpected(fmt::format("'=' or '{{' after the key {:?}",
                                         names.back().substr(0, 64))));
    }
    if (assigned) TRY(advance());
    made.key = std::move(names.front());
    made.labels.assign(std::make_move_iterator(names.begin() + 1),
                       std::make_move_iterator(names.end()));
    TRY_ASSIGN(HclValue held, value());
    made.value = std::make_unique<HclValue>(std::move(held));
    return made;
  }

  Result<HclValue> value() {
    HclValue made;
    made.line = token_.line;
    switch (token_.kind) {
      case Kind::kString:
        made.data = std::move(token_.text);
        break;
      case Kind::kNumber:
        made.data = HclValue::Number{number_value(token_.text), token_.text};
        break;
      case Kind::kBoolean:
        made.data = token_.text == "true";
        break;
      case Kind::kLeftBrace:
      case Kind::kLeftBracket:
        return nested(std::move(made));
      default:
        return fail(unexpected(
            "a value: a quoted string, a number, true, false, '[' or '{'"));
    }
    TRY(advance());
    return made;
  }

  Result<HclValue> nested(HclValue made) {
    if (depth_ == kHclDepthMax) {
      return fail(hcl_error(token_.line, "nested too deeply"));
    }
    ++depth_;
    const bool is_list = token_.kind == Kind::kLeftBracket;
    TRY(advance());
    if (is_list) {
      TRY_ASSIGN(made.data, list());
    } else {
      TRY_ASSIGN(made.data, items(Kind::kRightBrace));
    }
    --depth_;
    return made;
  }

  Result<HclList> list() {
    HclList made;
    while (token_.kind != Kind::kRightBracket) {
      TRY_ASSIGN(HclValue element, value());
      made.values.push_back(std::move(element));
      if (token_.kind == Kind::kRightBracket) break;
      if (token_.kind != Kind::kComma) return fail(unexpected("',' or ']'"));
      TRY(advance());
    }
    TRY(advance());
    return made;
  }

  HclLexer lexer_;
  HclToken token_;
  std::size_t depth_ = 0;
};

}  // namespace

const HclItem* HclObject::find(std::string_view key) const {
  const auto found = std::ranges::find(items, key, &HclItem::key);
  return found == items.end() ? nullptr : &*found;
}

std::vector<const HclItem*> HclObject::all(std::string_view key) const {
  std::vector<const HclItem*> found;
  for (const HclItem& item : items) {
    if (item.key == key) found.push_back(&item);
  }
  return found;
}

std::string HclValue::scalar_text() const {
  if (const auto* text = string()) return *text;
  if (const auto* held = number()) return held->text;
  if (const auto* flag = boolean()) return *flag ? "true" : "false";
  return {};
}

Result<HclObject> parse_hcl(std::string_view text) {
  if (text.size() > kHclBytesMax) {
    return fail(hcl_error(
        1, fmt::format("the text is longer than {} bytes", kHclBytesMax)));
  }
  if (!simdjson::validate_utf8(text)) {
    return fail(hcl_error(1, "the text is not valid UTF-8"));
  }
  if (text.find('\0') != std::string_view::npos) {
    return fail(hcl_error(1, "the text holds a NUL character"));
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    return parse_hcl_json(text);
  }
  return Parser(text).run();
}

}  // namespace bulla
