#include "kek/static_kek.h"

#include <fmt/format.h>

#include "kek/key_text.h"

namespace bulla::kek {
namespace {

using Options = std::map<std::string, std::string>;

Result<void> check_options(const Options& options) {
  for (const auto& [key, value] : options) {
    if (key == "current_key" || key == "current_key_id" ||
        key == "previous_key" || key == "previous_key_id") {
      continue;
    }
    return fail(invalid_argument(fmt::format(
        "unknown option \"{}\"; known: current_key_id, current_key, "
        "previous_key_id, previous_key",
        key.substr(0, 64))));
  }
  return {};
}

// Absent when neither the id nor the key is given.
Result<std::optional<StaticKek::Key>> key_of(const Options& options,
                                             const std::string& which) {
  const auto id = options.find(which + "_id");
  const auto text = options.find(which);
  if (id == options.end() && text == options.end()) return std::nullopt;
  if (id == options.end() || text == options.end()) {
    return fail(invalid_argument(
        fmt::format("{0} and {0}_id go together; one is missing", which)));
  }
  auto bytes = read_key_text(text->second);
  if (!bytes) return fail(std::move(bytes).error().with_context(which));
  return StaticKek::Key{id->second, *std::move(bytes)};
}

Result<std::unique_ptr<KekProvider>> from_checked(std::string name,
                                                  const Options& options,
                                                  crypto::Rng& rng) {
  TRY(check_options(options));
  TRY_ASSIGN(auto current, key_of(options, "current_key"));
  TRY_ASSIGN(auto previous, key_of(options, "previous_key"));
  if (!current) {
    return fail(invalid_argument(
        "current_key and current_key_id are missing; `openssl rand -hex 32` "
        "makes a key"));
  }
  return StaticKek::create(std::move(name), *std::move(current),
                           std::move(previous), rng);
}

}  // namespace

Result<StaticKek::Cipher> StaticKek::cipher(Key key) {
  if (key.id.empty() || key.id.size() > kIdBytesMax) {
    return fail(invalid_argument(
        fmt::format("a key id has 1 to {} characters", kIdBytesMax)));
  }
  if (key.bytes.size() != kKeyBytes) {
    return fail(invalid_argument(
        fmt::format("the key \"{}\" is not {} bytes long", key.id, kKeyBytes)));
  }
  TRY_ASSIGN(auto kek, GcmKek::create(key.bytes));
  return Cipher{std::move(key.id), std::move(kek)};
}

Result<std::unique_ptr<KekProvider>> StaticKek::create(
    std::string name, Key current, std::optional<Key> previous,
    crypto::Rng& rng) {
  if (previous && previous->id == current.id) {
    return fail(invalid_argument(fmt::format(
        "current_key_id and previous_key_id are both \"{}\"", current.id)));
  }
  TRY_ASSIGN(auto now, cipher(std::move(current)));
  std::optional<Cipher> before;
  if (previous) {
    TRY_ASSIGN(before, cipher(*std::move(previous)));
  }
  return std::unique_ptr<KekProvider>(
      new StaticKek(std::move(name), std::move(now), std::move(before), rng));
}

Result<std::unique_ptr<KekProvider>> StaticKek::from_options(
    std::string name, const std::map<std::string, std::string>& options,
    crypto::Rng& rng) {
  auto made = from_checked(std::move(name), options, rng);
  if (!made)
    return fail(std::move(made).error().with_context("seal \"static\""));
  return made;
}

const GcmKek* StaticKek::find(std::string_view id) const {
  if (id == current_.id) return &current_.kek;
  if (previous_ && id == previous_->id) return &previous_->kek;
  return nullptr;
}

Result<WrappedKey> StaticKek::wrap(const SecretBytes& key, ByteView aad,
                                   KekVersion version, Deadline) {
  if (version != active_version()) {
    return fail(not_found(fmt::format("static KEK: no version {}", version)));
  }
  auto blob = current_.kek.seal(key, aad, rng_);
  if (!blob) return fail(std::move(blob).error().with_context("static KEK"));
  return WrappedKey{version, current_.id, *std::move(blob)};
}

Result<SecretBytes> StaticKek::unwrap(const WrappedKey& wrapped, ByteView aad,
                                      Deadline) {
  if (wrapped.key_id.empty()) return fail(corrupt("empty key id"));
  const GcmKek* kek = find(wrapped.key_id);
  if (kek == nullptr || wrapped.version != active_version()) {
    return fail(not_found(fmt::format("unknown key id for data: `{}`",
                                      wrapped.key_id.substr(0, kIdBytesMax))));
  }
  auto key = kek->open(wrapped.blob, aad);
  if (!key) return fail(std::move(key).error().with_context("static KEK"));
  return key;
}

}  // namespace bulla::kek
