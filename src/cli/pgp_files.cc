#include "cli/pgp_files.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/encoding.h"
#include "cli/key_values.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kArmour = "-----BEGIN PGP";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line;
}

// Between the empty line after the headers and the checksum or the end.
std::string without_armour(std::string_view text) {
  text.remove_prefix(text.find(kArmour));
  while (!text.empty() && !next_line(text).empty()) {
  }
  std::string base64;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.starts_with('=') || line.starts_with("-----")) break;
    base64 += line;
  }
  return base64;
}

}  // namespace

std::string pgp_key_text(std::string_view file) {
  if (file.find(kArmour) != std::string_view::npos) {
    return without_armour(file);
  }
  // A key's first byte has its highest bit set; no base64 has.
  if (!file.empty() && (static_cast<unsigned char>(file[0]) & 0x80) != 0) {
    return base64_encode(as_bytes(file));
  }
  std::string text(file);
  std::erase_if(text, is_space);
  return text;
}

Result<std::vector<std::string>> read_pgp_keys(
    const std::vector<std::string>& lists) {
  std::vector<std::string> keys;
  for (std::string_view list : lists) {
    while (!list.empty()) {
      const std::size_t end = std::min(list.find(','), list.size());
      const std::string_view name = list.substr(0, end);
      list.remove_prefix(std::min(end + 1, list.size()));
      if (name.empty()) continue;
      if (name.starts_with("keybase:")) {
        return fail(invalid_argument(
            "keybase keys are not fetched: export the key to a file, and check "
            "its fingerprint with its holder"));
      }
      TRY_ASSIGN(const auto file, read_file(std::string(name)));
      keys.push_back(pgp_key_text(file));
    }
  }
  return keys;
}

}  // namespace bulla::cli
