#include "base/printable.h"

#include <simdjson.h>

#include <utility>

namespace bulla {
namespace {

// Ranges beyond ASCII of what has no glyph: controls, spaces, marks that turn
// the direction of text, private use.
constexpr std::pair<char32_t, char32_t> kUnprintable[] = {
    {0x80, 0xa0},     {0xad, 0xad},     {0x1680, 0x1680},   {0x2000, 0x200f},
    {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},   {0xe000, 0xf8ff},
    {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0x10ffff}};

// The character at `at` of text that is known to be UTF-8; steps over it.
char32_t next_character(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  char32_t value =
      lead >= 0xf0 ? lead & 0x07 : lead & (lead >= 0xe0 ? 0x0f : 0x1f);
  while (at < text.size() &&
         (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) {
    value = value << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
  }
  return value;
}

bool is_printable_utf8(std::string_view text) {
  if (!simdjson::validate_utf8(text.data(), text.size())) return false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, at);
    for (const auto& [first, last] : kUnprintable) {
      if (c >= first && c <= last) return false;
    }
  }
  return true;
}

}  // namespace

bool is_printable(std::string_view text) {
  bool ascii = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
    ascii = ascii && byte < 0x80;
  }
  return ascii || is_printable_utf8(text);
}

}  // namespace bulla
