#include "kek/env_kek.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/encoding.h"

namespace bulla::kek {
namespace {

constexpr std::string_view kNumbered = "BULLA_ENCRYPTION_ENV_KEK_V";
constexpr std::size_t kDigits = 2 * GcmKek::kKeyBytes;
constexpr std::size_t kNameShownMax = 64;

struct Variable {
  std::string name;
  char* value;  ///< In the environment itself.
};

std::vector<Variable> variables() {
  std::vector<Variable> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    char* const equals = std::strchr(*entry, '=');
    if (equals == nullptr) continue;
    const std::string_view name(*entry,
                                static_cast<std::size_t>(equals - *entry));
    if (!name.starts_with(EnvKek::kPrefix)) continue;
    found.push_back({std::string(name), equals + 1});
  }
  return found;
}

// What /proc/PID/environ and a child would show is the very memory that is
// overwritten here.
void forget(const std::vector<Variable>& found) {
  for (const Variable& variable : found) {
    wipe({reinterpret_cast<std::uint8_t*>(variable.value),
          std::strlen(variable.value)});
  }
  for (const Variable& variable : found) ::unsetenv(variable.name.c_str());
}

Result<KekVersion> version_of(const std::string& name) {
  KekVersion version = 0;
  const char* const first = name.data() + kNumbered.size();
  const char* const last = name.data() + name.size();
  if (name.starts_with(kNumbered) && first != last && *first != '0') {
    const auto [end, status] = std::from_chars(first, last, version);
    if (status == std::errc{} && end == last &&
        version <= EnvKek::kVersionMax) {
      return version;
    }
  }
  return fail(invalid_argument(fmt::format(
      "the environment variable {}: not the name of a KEK; they are {}1, {}2, "
      "… up to {}",
      name.substr(0, kNameShownMax), kNumbered, kNumbered,
      EnvKek::kVersionMax)));
}

Result<SecretBytes> key_of(const Variable& variable) {
  const std::string_view text(variable.value);
  auto decoded =
      text.size() == kDigits ? hex_decode(text) : fail(invalid_argument(""));
  // The decoder's own message may tell characters of the key.
  if (!decoded) {
    return fail(invalid_argument(fmt::format(
        "the environment variable {}: expected {} hexadecimal digits; `openssl "
        "rand -hex {}` makes them",
        variable.name, kDigits, GcmKek::kKeyBytes)));
  }
  const WipeGuard guard(*decoded);
  return SecretBytes::copy_of(*decoded);
}

Result<std::map<KekVersion, SecretBytes>> keys_of(
    const std::vector<Variable>& found) {
  std::map<KekVersion, SecretBytes> keys;
  for (const Variable& variable : found) {
    TRY_ASSIGN(const KekVersion version, version_of(variable.name));
    TRY_ASSIGN(auto key, key_of(variable));
    if (!keys.emplace(version, std::move(key)).second) {
      return fail(invalid_argument(fmt::format(
          "the environment variable {} is set twice", variable.name)));
    }
  }
  return keys;
}

Result<void> check_count(std::size_t count) {
  if (count == 0) {
    return fail(invalid_argument(fmt::format(
        "no KEK is in the environment; set {}1 to {} hexadecimal digits "
        "(`openssl rand -hex {}`)",
        kNumbered, kDigits, GcmKek::kKeyBytes)));
  }
  if (count <= EnvKek::kVersionsMax) return {};
  return fail(invalid_argument(
      fmt::format("more than {} KEKs are set", EnvKek::kVersionsMax)));
}

Result<std::unique_ptr<KekProvider>> load(
    std::string name, const std::map<std::string, std::string>& options,
    const std::vector<Variable>& found, crypto::Rng& rng) {
  if (!options.empty()) {
    return fail(invalid_argument(fmt::format(
        "unknown option \"{}\"; it takes none: the KEKs are in the "
        "environment, {}1 and so on",
        options.begin()->first.substr(0, kNameShownMax), kNumbered)));
  }
  TRY_ASSIGN(const auto keys, keys_of(found));
  return EnvKek::create(std::move(name), keys, rng);
}

}  // namespace

Result<std::unique_ptr<KekProvider>> EnvKek::create(
    std::string name, const std::map<KekVersion, SecretBytes>& keys,
    crypto::Rng& rng) {
  TRY(check_count(keys.size()));
  std::map<KekVersion, GcmKek> keks;
  std::map<std::string, KekVersion> seen;
  for (const auto& [version, key] : keys) {
    if (version == 0 || version > kVersionMax) {
      return fail(invalid_argument(
          fmt::format("version {} is not 1 to {}", version, kVersionMax)));
    }
    TRY_ASSIGN(auto kek, GcmKek::create(key));
    const auto [other, is_new] = seen.emplace(kek.fingerprint(), version);
    if (!is_new) {
      return fail(invalid_argument(
          fmt::format("the KEKs of versions {} and {} are the same key",
                      other->second, version)));
    }
    keks.emplace(version, std::move(kek));
  }
  return std::unique_ptr<KekProvider>(
      new EnvKek(std::move(name), std::move(keks), rng));
}

Result<std::unique_ptr<KekProvider>> EnvKek::from_environment(
    std::string name, const std::map<std::string, std::string>& options,
    crypto::Rng& rng) {
  const auto found = variables();
  auto made = load(std::move(name), options, found, rng);
  forget(found);
  if (!made) return fail(std::move(made).error().with_context("seal \"env\""));
  return made;
}

std::vector<KekVersion> EnvKek::versions() const {
  std::vector<KekVersion> loaded;
  for (const auto& [version, kek] : keks_) loaded.push_back(version);
  return loaded;
}

Result<const GcmKek*> EnvKek::find(KekVersion version) const {
  const auto it = keks_.find(version);
  if (it != keks_.end()) return &it->second;
  std::string loaded;
  for (const auto& [each, kek] : keks_) {
    loaded += fmt::format("{}{}", loaded.empty() ? "" : ", ", each);
  }
  return fail(not_found(
      fmt::format("env KEK: version {0} is needed, and only {1} is loaded; set "
                  "{2}{0} and restart",
                  version, loaded, kNumbered)));
}

Result<WrappedKey> EnvKek::wrap(const SecretBytes& key, ByteView aad,
                                KekVersion version, Deadline) {
  TRY_ASSIGN(const GcmKek* const kek, find(version));
  auto blob = kek->seal(key, aad, rng_);
  if (!blob) return fail(std::move(blob).error().with_context("env KEK"));
  return WrappedKey{version, kek->fingerprint(), *std::move(blob)};
}

Result<SecretBytes> EnvKek::unwrap(const WrappedKey& wrapped, ByteView aad,
                                   Deadline) {
  TRY_ASSIGN(const GcmKek* const kek, find(wrapped.version));
  if (wrapped.key_id != kek->fingerprint()) {
    return fail(corrupt(fmt::format(
        "env KEK: {}{} holds the KEK {}, but what is stored was sealed under "
        "the KEK {}; set that one again",
        kNumbered, wrapped.version, kek->fingerprint(),
        wrapped.key_id.substr(0, kNameShownMax))));
  }
  auto key = kek->open(wrapped.blob, aad);
  if (!key) return fail(std::move(key).error().with_context("env KEK"));
  return key;
}

bool EnvKek::is_current(const WrappedKey& wrapped) const {
  const auto it = keks_.find(wrapped.version);
  return it != keks_.end() && it->second.fingerprint() == wrapped.key_id;
}

}  // namespace bulla::kek
