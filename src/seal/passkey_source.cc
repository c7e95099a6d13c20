#include "seal/passkey_source.h"

#include <fmt/format.h>

#include "seal/seal_config.h"

namespace bulla::seal {
namespace {

Result<Passkey> parse_at(const std::string& path, ByteView bytes) {
  return Passkey::parse(path.substr(Passkey::kPrefix.size()), bytes);
}

}  // namespace

Result<std::vector<Envelope>> PasskeySource::envelopes() {
  TRY_ASSIGN(const auto config, storage_.get(SealConfig::kPath));
  if (!config) return std::vector<Envelope>{};
  TRY_ASSIGN(const auto parsed, SealConfig::parse(config->value));
  TRY_ASSIGN(const auto paths,
             storage_.scan(Passkey::kPrefix, {}, Passkey::kCountMax));
  std::vector<Envelope> found;
  for (const std::string& path : paths) {
    TRY_ASSIGN(const auto entry, storage_.get(path));
    if (!entry) continue;
    TRY_ASSIGN(auto passkey, parse_at(path, entry->value));
    if (!passkey.automatic()) continue;
    found.push_back({path, fmt::format("passkey \"{}\"", passkey.name),
                     passkey.provider_id(), std::move(passkey.wrapped),
                     passkey_context(parsed.installation, passkey.id),
                     entry->version, this});
  }
  return found;
}

Result<Passkey> PasskeySource::stored(const Envelope& envelope) {
  TRY_ASSIGN(const auto entry, storage_.get(envelope.path));
  if (!entry || entry->version != envelope.version) {
    return fail(ErrorCode::kConflict,
                fmt::format("{} was changed meanwhile", envelope.label));
  }
  return parse_at(envelope.path, entry->value);
}

Result<void> PasskeySource::check(const Envelope& envelope,
                                  const SecretBytes& opened) {
  TRY_ASSIGN(const auto passkey, stored(envelope));
  if (constant_time_equal(check_value(opened), passkey.check)) return {};
  return fail(corrupt(fmt::format(
      "{}: holds another root key than it was made for", envelope.path)));
}

Result<storage::Change> PasskeySource::rewrapped(const Envelope& envelope,
                                                 kek::WrappedKey wrapped) {
  TRY_ASSIGN(auto passkey, stored(envelope));
  passkey.wrapped = std::move(wrapped);
  return storage::Change{envelope.path, passkey.serialise(), envelope.version};
}

}  // namespace bulla::seal
