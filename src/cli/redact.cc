#include "cli/redact.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "net/url.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kMask = "(hidden)";
constexpr std::size_t kTokenTailMin = 20;
constexpr std::array<std::string_view, 6> kPrefixes = {"hvs.", "hvb.", "hvr.",
                                                       "s.",   "b.",   "r."};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void replace_all(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + kMask.size())) {
    text.replace(at, what.size(), kMask);
  }
}

// The length of the token that starts at `at`; 0 when none does. Namespace
// suffixes (".abcde") belong to it.
std::size_t token_length(std::string_view text, std::size_t at) {
  if (at > 0 && (is_word(text[at - 1]) || text[at - 1] == '.')) return 0;
  for (const auto prefix : kPrefixes) {
    if (text.substr(at, prefix.size()) != prefix) continue;
    std::size_t end = at + prefix.size();
    while (end < text.size() && is_word(text[end])) ++end;
    if (end - at - prefix.size() < kTokenTailMin) continue;
    while (end < text.size() && (is_word(text[end]) || text[end] == '.')) ++end;
    return end - at;
  }
  return 0;
}

}  // namespace

void Redactor::add(std::string_view secret) {
  if (secret.size() < kSecretBytesMin) return;
  secrets_.push_back(SecretBytes::copy_of(as_bytes(secret)));
}

std::string Redactor::apply(std::string_view text) const {
  std::string known(text);
  for (const auto& secret : secrets_) {
    const auto plain = as_text(secret.expose());
    replace_all(known, plain);
    replace_all(known, net::percent_encode(plain));
    replace_all(known, net::percent_encode(plain, "/:@!$&'()*+,;="));
  }
  std::string out;
  for (std::size_t i = 0; i < known.size();) {
    const std::size_t length = token_length(known, i);
    out += length > 0 ? std::string(kMask) : std::string(1, known[i]);
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

}  // namespace bulla::cli
