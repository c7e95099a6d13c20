#include "kek/config_kek.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/encoding.h"
#include "base/wire.h"
#include "kek/key_text.h"

namespace bulla::kek {
namespace {

using Options = std::map<std::string, std::string>;

constexpr std::size_t kBase64Chars = base64_encoded_size(GcmKek::kKeyBytes);
constexpr std::size_t kShownMax = 64;

Bytes numbered(KekVersion version, ByteView aad) {
  WireWriter out;
  out.u32(version).bytes(aad);
  return to_bytes(out.view());
}

bool usable(KekVersion version) {
  return version > 0 && version < std::numeric_limits<KekVersion>::max();
}

Result<SecretBytes> key_of(const Options& options, const std::string& which) {
  auto key = ConfigKek::read_kek(options.at(which));
  if (!key) return fail(std::move(key).error().with_context(which));
  return key;
}

Result<std::unique_ptr<KekProvider>> from_checked(std::string name,
                                                  const Options& options,
                                                  crypto::Rng& rng) {
  for (const auto& [key, value] : options) {
    if (key == "kek" || key == "rotation_kek") continue;
    return fail(invalid_argument(
        fmt::format("unknown option \"{}\"; known: kek, rotation_kek",
                    key.substr(0, kShownMax))));
  }
  if (!options.contains("kek")) {
    return fail(invalid_argument(
        "kek is missing; `openssl rand -base64 32` makes one"));
  }
  TRY_ASSIGN(const auto current, key_of(options, "kek"));
  if (!options.contains("rotation_kek")) {
    return ConfigKek::create(std::move(name), current, nullptr, rng);
  }
  TRY_ASSIGN(const auto next, key_of(options, "rotation_kek"));
  return ConfigKek::create(std::move(name), current, &next, rng);
}

}  // namespace

Result<SecretBytes> ConfigKek::read_kek(std::string_view text) {
  TRY_ASSIGN(const auto secret, read_secret_text(text));
  const std::string_view chars = as_text(secret.expose());
  auto decoded = chars.size() == kBase64Chars ? base64_decode(chars)
                                              : fail(invalid_argument(""));
  if (decoded) {
    const WipeGuard guard(*decoded);
    if (decoded->size() == GcmKek::kKeyBytes) {
      return SecretBytes::copy_of(*decoded);
    }
  }
  // The decoder's own message may tell characters of the key.
  return fail(invalid_argument(
      "expected base64 of exactly 32 bytes (`openssl rand -base64 32` makes "
      "it), env://NAME or file://PATH"));
}

Result<std::unique_ptr<KekProvider>> ConfigKek::create(
    std::string name, const SecretBytes& current, const SecretBytes* next,
    crypto::Rng& rng) {
  TRY_ASSIGN(auto now, GcmKek::create(current));
  std::optional<GcmKek> then;
  if (next != nullptr) {
    TRY_ASSIGN(then, GcmKek::create(*next));
    if (then->fingerprint() == now.fingerprint()) {
      return fail(invalid_argument(
          "the KEK of the rotation is the current KEK; make a new one with "
          "`openssl rand -base64 32`"));
    }
  }
  return std::unique_ptr<KekProvider>(
      new ConfigKek(std::move(name), std::move(now), std::move(then), rng));
}

Result<std::unique_ptr<KekProvider>> ConfigKek::from_options(
    std::string name, const std::map<std::string, std::string>& options,
    crypto::Rng& rng) {
  auto made = from_checked(std::move(name), options, rng);
  if (!made) {
    return fail(std::move(made).error().with_context("seal \"config\""));
  }
  return made;
}

ConfigKek::Numbers ConfigKek::numbers() const {
  const std::lock_guard lock(mutex_);
  return numbers_;
}

KekVersion ConfigKek::active_version() const { return numbers().current; }

std::vector<KekVersion> ConfigKek::versions() const {
  const Numbers known = numbers();
  if (!next_) return {known.current};
  return {std::min(known.current, known.next),
          std::max(known.current, known.next)};
}

void ConfigKek::adopt(KekVersion version, std::string_view key_id) {
  if (!usable(version)) return;
  const std::lock_guard lock(mutex_);
  if (key_id == current_.fingerprint()) {
    numbers_ = {version, version + 1};
  } else if (next_ && key_id == next_->fingerprint()) {
    // After the rotation; or the two stand in each other's place.
    numbers_ = {version > 1 ? version - 1 : version + 1, version};
  }
}

const GcmKek* ConfigKek::find(KekVersion version) const {
  const Numbers known = numbers();
  if (version == known.current) return &current_;
  return next_ && version == known.next ? &*next_ : nullptr;
}

const GcmKek* ConfigKek::find(std::string_view fingerprint) const {
  if (fingerprint == current_.fingerprint()) return &current_;
  return next_ && fingerprint == next_->fingerprint() ? &*next_ : nullptr;
}

Error ConfigKek::missing(KekVersion version) const {
  std::string loaded;
  for (const KekVersion each : versions()) {
    loaded += fmt::format("{}{}", loaded.empty() ? "" : ", ", each);
  }
  return not_found(
      fmt::format("config KEK: no version {}; configured: {}; a new one stands "
                  "in the rotation block",
                  version, loaded));
}

Error ConfigKek::foreign(std::string_view fingerprint) const {
  const std::string rotation =
      next_ ? fmt::format(" and in its rotation block {}", next_->fingerprint())
            : "";
  return corrupt(fmt::format(
      "config KEK: what is stored was sealed under the KEK with the "
      "fingerprint "
      "{}, but the configuration has {}{}; put that KEK in its place (after a "
      "rotation that is the new one)",
      fingerprint.substr(0, kShownMax), current_.fingerprint(), rotation));
}

Result<WrappedKey> ConfigKek::wrap(const SecretBytes& key, ByteView aad,
                                   KekVersion version, Deadline) {
  const GcmKek* const kek = find(version);
  if (kek == nullptr) return fail(missing(version));
  auto blob = kek->seal(key, numbered(version, aad), rng_);
  if (!blob) return fail(std::move(blob).error().with_context("config KEK"));
  return WrappedKey{version, kek->fingerprint(), *std::move(blob)};
}

Result<SecretBytes> ConfigKek::unwrap(const WrappedKey& wrapped, ByteView aad,
                                      Deadline) {
  const GcmKek* const kek = find(wrapped.key_id);
  if (kek == nullptr) return fail(foreign(wrapped.key_id));
  auto key = kek->open(wrapped.blob, numbered(wrapped.version, aad));
  if (key) {
    adopt(wrapped.version, wrapped.key_id);
    return key;
  }
  if (find(wrapped.version) != kek) return fail(missing(wrapped.version));
  return fail(std::move(key).error().with_context("config KEK"));
}

bool ConfigKek::is_current(const WrappedKey& wrapped) const {
  const GcmKek* const kek = find(wrapped.version);
  return kek != nullptr && kek->fingerprint() == wrapped.key_id;
}

}  // namespace bulla::kek
