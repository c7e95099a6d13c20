#include "base/hcl_json.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/hcl_lexer.h"
#include "base/json.h"

namespace bulla {
namespace {

struct Place {
  int line = 1;
  std::string_view text;
};

// Cuts JSON into tokens: a string, a bare word, or one of {}[]:, alone. It
// never fails; a text that is not JSON gives tokens that are not, either.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  // The next token, which is passed over; empty at the end.
  Place next() {
    while (at_ < text_.size() && is_one_of(text_[at_], " \t\r\n")) {
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
    const std::size_t start = at_;
    if (at_ >= text_.size()) return {line_, {}};
    const char first = text_[at_++];
    if (first == '"') {
      pass_string();
    } else if (!is_one_of(first, "{}[]:,")) {
      at_ = std::min(text_.find_first_of(" \t\r\n{}[]:,\"", at_), text_.size());
    }
    return {line_, text_.substr(start, at_ - start)};
  }

  // The next one that simdjson's tree knows of.
  Place pass() {
    Place place = next();
    while (place.text == "," || place.text == ":") place = next();
    return place;
  }

 private:
  static bool is_one_of(char c, std::string_view set) {
    return set.find(c) != std::string_view::npos;
  }
  // To the closing quote, or to the end of a line that has none.
  void pass_string() {
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    at_ = std::min(at_ + (at_ < text_.size() && text_[at_] == '"' ? 1 : 0),
                   text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

// Walks simdjson's tree, which forgets where things stood, in step with the
// text, which is known to be valid.
class Walker {
 public:
  explicit Walker(std::string_view text) : cursor_(text) {}

  Result<HclObject> object(const JsonObject& source) {
    HclObject made;
    cursor_.pass();
    for (const auto field : source) {
      HclItem item;
      item.line = cursor_.pass().line;
      item.key = std::string(field.key);
      TRY_ASSIGN(auto held, value(field.value));
      if (!held) continue;
      item.value = std::make_unique<HclValue>(*std::move(held));
      made.items.push_back(std::move(item));
    }
    cursor_.pass();
    return made;
  }

 private:
  // Nothing for null.
  Result<std::optional<HclValue>> value(const JsonElement& source) {
    if (source.type() == JsonType::ARRAY) {
      return list(source.get_array().value_unsafe());
    }
    HclValue made;
    const Place place = Cursor(cursor_).pass();
    made.line = place.line;
    if (source.type() == JsonType::OBJECT) {
      TRY_ASSIGN(made.data, object(source.get_object().value_unsafe()));
      return made;
    }
    cursor_.pass();
    if (source.type() == JsonType::NULL_VALUE) return std::nullopt;
    if (source.type() == JsonType::STRING) {
      made.data = std::string(source.get_string().value_unsafe());
    } else if (source.type() == JsonType::BOOL) {
      made.data = source.get_bool().value_unsafe();
    } else {
      made.data = HclValue::Number{source.get_double().value_unsafe(),
                                   std::string(place.text)};
    }
    return made;
  }

  Result<std::optional<HclValue>> list(const JsonArray& source) {
    HclValue made;
    HclList values;
    made.line = cursor_.pass().line;
    for (const JsonElement element : source) {
      TRY_ASSIGN(auto held, value(element));
      if (!held) return fail(hcl_error(made.line, "a list holds null"));
      values.values.push_back(*std::move(held));
    }
    cursor_.pass();
    made.data = std::move(values);
    return made;
  }

  Cursor cursor_;
};

// Finds the line on which a text that simdjson refused stops being JSON.
class ErrorFinder {
 public:
  explicit ErrorFinder(std::string_view text) : cursor_(text) {}

  int line() {
    for (;;) {
      const Place place = cursor_.next();
      if (place.text.empty() || !takes(place.text)) return place.line;
    }
  }

 private:
  enum class Wants : std::uint8_t { kValue, kKey, kColon, kComma };

  bool takes(std::string_view token) {
    const char c = token[0];
    if (c == '}' || c == ']') return close(c == '}' ? '{' : '[');
    fresh_ = false;
    switch (wants_) {
      case Wants::kValue:
        return value(token);
      case Wants::kKey:
        wants_ = Wants::kColon;
        return is_string(token);
      case Wants::kColon:
        wants_ = Wants::kValue;
        return c == ':';
      case Wants::kComma:
        if (open_.empty()) return false;
        wants_ = open_.back() == '{' ? Wants::kKey : Wants::kValue;
        return c == ',';
    }
    return false;
  }

  bool value(std::string_view token) {
    const char c = token[0];
    if (c == '{' || c == '[') {
      open_ += c;
      fresh_ = true;
      wants_ = c == '{' ? Wants::kKey : Wants::kValue;
      return open_.size() < kHclDepthMax;
    }
    wants_ = Wants::kComma;
    return is_string(token) || token == "true" || token == "false" ||
           token == "null" || c == '-' || (c >= '0' && c <= '9');
  }

  // A bracket closes what it opened, right away or behind a value.
  bool close(char opener) {
    if (open_.empty() || open_.back() != opener) return false;
    if (!fresh_ && wants_ != Wants::kComma) return false;
    open_.pop_back();
    fresh_ = false;
    wants_ = Wants::kComma;
    return true;
  }

  static bool is_string(std::string_view token) {
    return token.size() >= 2 && token.front() == '"' && token.back() == '"';
  }

  Cursor cursor_;
  std::string open_;
  Wants wants_ = Wants::kValue;
  bool fresh_ = false;
};

}  // namespace

Result<HclObject> parse_hcl_json(std::string_view text) {
  JsonParser parser;
  JsonLimits limits;
  limits.depth = kHclDepthMax;
  const auto root = parse_json(parser, text, limits);
  if (!root) {
    return fail(hcl_error(ErrorFinder(text).line(), root.error().message()));
  }
  if (root->type() != JsonType::OBJECT) {
    return fail(hcl_error(1, "the text is not one JSON object"));
  }
  return Walker(text).object(root->get_object().value_unsafe());
}

}  // namespace bulla
