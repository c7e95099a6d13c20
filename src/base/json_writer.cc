#include "base/json_writer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/encoding.h"

namespace bulla {
namespace {

// 0: copy; 'u': \u00XX; else the letter after the backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['"'] = '"';
  table['\\'] = '\\';
  table['<'] = table['>'] = table['&'] = 'u';
  table[0x7f] = 0;
  for (std::size_t c = 0x80; c < 0x100; ++c) table[c] = '8';
  return table;
}
constexpr auto kEscapes = make_escapes();
constexpr std::size_t kBlock = 16;

// Length of the well-formed UTF-8 sequence at `text`, or 0 (RFC 3629).
std::size_t utf8_sequence(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned lead = at(0);
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && at(1) < 0xA0) return 0;
    if (lead == 0xED && at(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && at(1) < 0x90) return 0;
    if (lead == 0xF4 && at(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

// Appends the escaped form of the character at `text`; returns its length.
std::size_t append_special(std::string& out, std::string_view text,
                           char escape) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(text[0]);
  if (escape == 'u') {
    out += "\\u00";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
    return 1;
  }
  if (escape != '8') {
    out += '\\';
    out += escape;
    return 1;
  }
  const std::size_t length = utf8_sequence(text);
  if (length == 0) {
    out += "\\ufffd";
    return 1;
  }
  // U+2028 and U+2029 are escaped by Go so that JSON is also JavaScript.
  if (text.starts_with("\xe2\x80\xa8") || text.starts_with("\xe2\x80\xa9")) {
    out += text[2] == '\xa8' ? "\\u2028" : "\\u2029";
    return 3;
  }
  out.append(text.substr(0, length));
  return length;
}

// The bytes that kEscapes names, said so that a compiler does a block of them
// at once.
constexpr bool is_special(char c) {
  return static_cast<signed char>(c) < 0x20 || c == '"' || c == '\\' ||
         c == '<' || c == '>' || c == '&';
}

bool any_special(const char* block) {
  char found = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    found = static_cast<char>(found | static_cast<char>(is_special(block[i])));
  }
  return found != 0;
}

// Length of the part before the first character to escape.
std::size_t plain_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i + kBlock <= text.size() && !any_special(text.data() + i)) {
    i += kBlock;
  }
  while (i < text.size() &&
         kEscapes[static_cast<unsigned char>(text[i])] == 0) {
    ++i;
  }
  return i;
}

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t plain = plain_prefix(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const char escape = kEscapes[static_cast<unsigned char>(text[0])];
    text.remove_prefix(append_special(out, text, escape));
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  const std::size_t plain = plain_prefix(text);
  // Room for all of it at once, which is most strings.
  const std::size_t size = out.size();
  out.resize(size + plain + 2);
  char* const at = out.data() + size;
  at[0] = '"';
  text.copy(at + 1, plain);
  at[plain + 1] = '"';
  if (plain == text.size()) [[likely]]
    return;
  out.pop_back();
  append_escaped(out, text.substr(plain));
  out += '"';
}

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(bool flag) {
  return raw(flag ? "true" : "false");
}

JsonWriter& JsonWriter::value(std::int64_t number) {
  const fmt::format_int text(number);
  return raw({text.data(), text.size()});
}

JsonWriter& JsonWriter::value(std::uint64_t number) {
  const fmt::format_int text(number);
  return raw({text.data(), text.size()});
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  // "-0" would be read as a whole number, which has no sign there.
  if (number == 0 && std::signbit(number)) return raw("-0.0");
  return raw(fmt::format("{}", number));
}

JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::plain(std::string_view text) {
  separate();
  out_ += '"';
  out_.append(text);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::base64(ByteView bytes, std::string_view prefix) {
  separate();
  out_ += '"';
  out_.append(prefix);
  base64_append(out_, bytes);
  out_ += '"';
  return *this;
}

}  // namespace bulla
