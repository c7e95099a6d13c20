#include "kek/stanza.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "kek/key_text.h"

namespace bulla::kek {
namespace {

constexpr std::string_view kFile = "file://";

Result<SecretBytes> checked(SecretBytes text) {
  const bool visible = std::ranges::all_of(
      text.expose(),
      [](std::uint8_t byte) { return byte > ' ' && byte < 0x7f; });
  if (visible && !text.empty() && text.size() <= Credential::kBytesMax) {
    return text;
  }
  return fail(ErrorCode::kPermissionDenied,
              "the credential is empty, too long or has characters that none "
              "has");
}

}  // namespace

std::string_view environment(std::initializer_list<const char*> variables) {
  for (const char* name : variables) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

Result<void> Stanza::check_known(
    std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : options_) {
    if (std::ranges::find(known, key) != known.end()) continue;
    return fail(invalid_argument(fmt::format("unknown option \"{}\"; known: {}",
                                             key.substr(0, 64),
                                             fmt::join(known, ", "))));
  }
  return {};
}

std::string_view Stanza::given(const std::string& key) const {
  const auto it = options_.find(key);
  return it == options_.end() ? std::string_view() : it->second;
}

std::string Stanza::text(const std::string& key,
                         std::initializer_list<const char*> variables) const {
  const auto set = environment(variables);
  return std::string(set.empty() ? given(key) : set);
}

Result<bool> Stanza::flag(const std::string& key,
                          std::initializer_list<const char*> variables) const {
  const std::string word = text(key, variables);
  if (word == "true" || word == "1") return true;
  if (word.empty() || word == "false" || word == "0") return false;
  return fail(invalid_argument(fmt::format("{}: expected true or false", key)));
}

Result<Credential> Credential::from_text(std::string_view text) {
  if (text.starts_with(kFile)) return from_file(text.substr(kFile.size()));
  Credential credential;
  TRY_ASSIGN(credential.text_, read_secret_text(text));
  return credential;
}

Credential Credential::fixed(std::string_view text) {
  Credential credential;
  credential.text_ = SecretBytes::copy_of(as_bytes(text));
  return credential;
}

Credential Credential::from_file(std::string_view path) {
  Credential credential;
  credential.path_ = path;
  return credential;
}

Result<SecretBytes> Credential::read() const {
  if (path_.empty()) return checked(text_.clone());
  auto text = read_credential_file(path_, kBytesMax);
  // An agent may be about to write it.
  if (!text) return fail(unavailable(text.error().message()));
  return checked(*std::move(text));
}

}  // namespace bulla::kek
