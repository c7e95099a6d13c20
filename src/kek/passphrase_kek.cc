#include "kek/passphrase_kek.h"

#include <fmt/format.h>

#include <charconv>

#include "base/encoding.h"
#include "kek/key_text.h"

namespace bulla::kek {
namespace {

using Options = std::map<std::string, std::string>;

constexpr std::size_t kIdSaltBytes = 8;
constexpr std::size_t kNameShownMax = 64;

std::string id_of(ByteView salt) {
  return hex_encode(salt.first(kIdSaltBytes));
}

Error nobody_gave_it() {
  return {ErrorCode::kPermissionDenied,
          "passphrase KEK: no passphrase is configured; a person has to give "
          "it, or passphrase = \"file://PATH\" in the seal stanza"};
}

Error wrong_passphrase() {
  return corrupt(
      "passphrase KEK: the wrapped key does not open: wrong passphrase or "
      "altered");
}

Result<void> check_passphrase(const SecretBytes& passphrase) {
  if (passphrase.size() <= PassphraseKek::kPassphraseBytesMax) return {};
  return fail(
      invalid_argument(fmt::format("the passphrase is longer than {} bytes",
                                   PassphraseKek::kPassphraseBytesMax)));
}

Result<void> read_cost(const Options& options, const std::string& key,
                       std::uint32_t& out) {
  const auto it = options.find(key);
  if (it == options.end()) return {};
  const char* const last = it->second.data() + it->second.size();
  const auto [end, status] = std::from_chars(it->second.data(), last, out);
  if (status == std::errc{} && end == last) return {};
  return fail(
      invalid_argument(fmt::format("{}: expected a whole number", key)));
}

Result<crypto::Argon2Cost> cost_of(const Options& options) {
  crypto::Argon2Cost cost;
  TRY(read_cost(options, "argon2_memory_kib", cost.memory_kib));
  TRY(read_cost(options, "argon2_passes", cost.passes));
  TRY(read_cost(options, "argon2_lanes", cost.lanes));
  TRY(PassphraseBlob::check(cost));
  return cost;
}

Result<SecretBytes> passphrase_of(const Options& options) {
  const auto it = options.find("passphrase");
  if (it == options.end()) return SecretBytes();
  auto text = read_secret_text(it->second);
  if (!text) return fail(std::move(text).error().with_context("passphrase"));
  if (!text->empty()) return text;
  return fail(invalid_argument("passphrase: empty"));
}

Result<std::unique_ptr<KekProvider>> from_checked(std::string name,
                                                  const Options& options,
                                                  crypto::Rng& rng) {
  for (const auto& [key, value] : options) {
    if (key == "passphrase" || key == "argon2_memory_kib" ||
        key == "argon2_passes" || key == "argon2_lanes") {
      continue;
    }
    return fail(invalid_argument(fmt::format(
        "unknown option \"{}\"; known: passphrase, argon2_memory_kib, "
        "argon2_passes, argon2_lanes",
        key.substr(0, kNameShownMax))));
  }
  TRY_ASSIGN(const auto cost, cost_of(options));
  TRY_ASSIGN(auto passphrase, passphrase_of(options));
  return PassphraseKek::create(std::move(name), std::move(passphrase), cost,
                               rng);
}

}  // namespace

Result<std::unique_ptr<PassphraseKek>> PassphraseKek::create(
    std::string name, SecretBytes passphrase, crypto::Argon2Cost cost,
    crypto::Rng& rng) {
  TRY(check_passphrase(passphrase));
  TRY(PassphraseBlob::check(cost));
  return std::unique_ptr<PassphraseKek>(
      new PassphraseKek(std::move(name), std::move(passphrase), cost, rng));
}

Result<std::unique_ptr<PassphraseKek>> PassphraseKek::derive(
    std::string name, const SecretBytes& passphrase, crypto::Argon2Cost cost,
    crypto::Rng& rng) {
  if (passphrase.empty()) {
    return fail(invalid_argument("the passphrase is empty"));
  }
  TRY(check_passphrase(passphrase));
  TRY_ASSIGN(auto made, create(std::move(name), SecretBytes(), cost, rng));
  Bytes salt(PassphraseBlob::kSaltBytes);
  rng.fill(salt);
  TRY_ASSIGN(made->derived_,
             derived(passphrase, cost, std::move(salt), Deadline::max()));
  return made;
}

Result<std::unique_ptr<KekProvider>> PassphraseKek::from_options(
    std::string name, const std::map<std::string, std::string>& options,
    crypto::Rng& rng) {
  auto made = from_checked(std::move(name), options, rng);
  if (!made) {
    return fail(std::move(made).error().with_context("seal \"passphrase\""));
  }
  return made;
}

Result<PassphraseKek::Derived> PassphraseKek::derived(
    const SecretBytes& passphrase, const crypto::Argon2Cost& cost, Bytes salt,
    Deadline deadline) {
  if (std::chrono::steady_clock::now() >= deadline) {
    return fail(unavailable("passphrase KEK: no time is left to derive it"));
  }
  TRY_ASSIGN(const auto key,
             crypto::argon2id({passphrase.expose(), salt, {}, {}}, cost,
                              GcmKek::kKeyBytes));
  TRY_ASSIGN(auto kek, GcmKek::create(key));
  return Derived{cost, std::move(salt), std::move(kek)};
}

// A KEK that is there serves any number of wraps. One that was derived with
// other costs than are configured now is replaced, where that is possible.
Result<void> PassphraseKek::ready_to_wrap(Deadline deadline) {
  if (derived_ && (derived_->cost == cost_ || !automatic())) return {};
  if (!automatic()) return fail(nobody_gave_it());
  Bytes salt(PassphraseBlob::kSaltBytes);
  rng_.fill(salt);
  TRY_ASSIGN(derived_, derived(passphrase_, cost_, std::move(salt), deadline));
  return {};
}

Result<WrappedKey> PassphraseKek::wrap(const SecretBytes& key, ByteView aad,
                                       KekVersion version, Deadline deadline) {
  if (version != active_version()) {
    return fail(
        not_found(fmt::format("passphrase KEK: no version {}", version)));
  }
  const std::lock_guard lock(mutex_);
  TRY(ready_to_wrap(deadline));
  PassphraseBlob blob{derived_->cost, derived_->salt, {}};
  auto sealed = derived_->kek.seal(key, blob.context(aad), rng_);
  if (!sealed) {
    return fail(std::move(sealed).error().with_context("passphrase KEK"));
  }
  blob.sealed = *std::move(sealed);
  return WrappedKey{version, id_of(blob.salt), blob.serialise()};
}

Result<SecretBytes> PassphraseKek::unwrap(const WrappedKey& wrapped,
                                          ByteView aad, Deadline deadline) {
  if (automatic()) return open(wrapped, aad, passphrase_, deadline);
  if (wrapped.version != active_version()) {
    return fail(not_found(
        fmt::format("passphrase KEK: no version {}", wrapped.version)));
  }
  TRY_ASSIGN(const auto blob, PassphraseBlob::parse(wrapped.blob));
  const std::lock_guard lock(mutex_);
  if (!derived_) return fail(nobody_gave_it());
  auto key = derived_->kek.open(blob.sealed, blob.context(aad));
  if (!key) return fail(wrong_passphrase());
  return key;
}

Result<SecretBytes> PassphraseKek::open(const WrappedKey& wrapped, ByteView aad,
                                        const SecretBytes& passphrase,
                                        Deadline deadline) {
  if (wrapped.version != active_version()) {
    return fail(not_found(
        fmt::format("passphrase KEK: no version {}", wrapped.version)));
  }
  TRY_ASSIGN(const auto blob, PassphraseBlob::parse(wrapped.blob));
  const std::lock_guard lock(mutex_);
  // The configured passphrase is the one that `derived_` came from.
  if (&passphrase == &passphrase_ && derived_ && derived_->cost == blob.cost &&
      derived_->salt == blob.salt) {
    auto key = derived_->kek.open(blob.sealed, blob.context(aad));
    if (!key) return fail(wrong_passphrase());
    return key;
  }
  TRY_ASSIGN(auto made, derived(passphrase, blob.cost, blob.salt, deadline));
  auto key = made.kek.open(blob.sealed, blob.context(aad));
  if (!key) return fail(wrong_passphrase());
  derived_ = std::move(made);
  return key;
}

void PassphraseKek::forget() {
  const std::lock_guard lock(mutex_);
  derived_.reset();
}

bool PassphraseKek::is_current(const WrappedKey& wrapped) const {
  if (wrapped.version != active_version()) return false;
  const auto blob = PassphraseBlob::parse(wrapped.blob);
  return blob && (blob->cost == cost_ || !automatic());
}

}  // namespace bulla::kek
