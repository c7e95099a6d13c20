#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "cli/value.h"

namespace bulla::cli {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Words that a YAML reader would take for null or a truth value.
bool is_reserved(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kWords = {
      "null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

// Only texts that no YAML reader could misread go unquoted: a letter first,
// then letters, digits and harmless punctuation.
bool may_stand_plain(std::string_view text) {
  if (text.empty() || !(is_letter(text.front()) || text.front() == '/')) {
    return false;
  }
  if (text.back() == ' ' || text.back() == ':' || is_reserved(text)) {
    return false;
  }
  const bool harmless = std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view(" _-./:+=@,()").find(c) != std::string_view::npos;
  });
  return harmless && text.find(": ") == std::string_view::npos;
}

std::string scalar(std::string_view text) {
  if (may_stand_plain(text)) return std::string(text);
  std::string quoted;
  append_json_string(quoted, text);
  return quoted;
}

bool is_block(const Value& value) { return !value.items.empty(); }

std::string inline_text(const Value& value) {
  if (value.is(Value::Kind::kString)) return scalar(value.text);
  return to_json(value);
}

void write_block(std::string& out, const Value& value, std::size_t indent);

// After "key:" or "-": a scalar on the same line, a block below.
void write_member(std::string& out, const Value& value, std::size_t indent) {
  if (!is_block(value)) {
    out.append(" ").append(inline_text(value)).append("\n");
    return;
  }
  out += '\n';
  write_block(out, value, indent);
}

void write_block(std::string& out, const Value& value, std::size_t indent) {
  const std::string margin(indent, ' ');
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const Value& item = value.items[i];
    out += margin;
    if (value.is(Value::Kind::kArray)) {
      out += '-';
      write_member(out, item, indent + 2);
      continue;
    }
    out.append(scalar(value.keys[i])).append(":");
    const bool list = item.is(Value::Kind::kArray);
    write_member(out, item, list ? indent : indent + 2);
  }
}

}  // namespace

std::string to_yaml(const Value& value) {
  const Value ordered = sorted(value);
  if (!is_block(ordered)) return inline_text(ordered) + "\n";
  std::string out;
  write_block(out, ordered, 0);
  return out;
}

}  // namespace bulla::cli
