#include "seal/seal_config.h"

#include <fmt/format.h>

#include <functional>

#include "base/wire.h"

namespace bulla::seal {
namespace {

constexpr std::uint8_t kFormat = 2;

Result<void> check_provider(const SealConfig::Provider& provider) {
  const auto bad = [](std::string_view what) {
    return fail(corrupt(fmt::format("core/seal-config: {}", what)));
  };
  if (provider.id.kind.empty() ||
      provider.id.kind.size() > SealConfig::kTextBytesMax ||
      provider.id.name.size() > SealConfig::kTextBytesMax) {
    return bad("a provider without a kind");
  }
  if (provider.active == 0 || provider.target == provider.active ||
      provider.is_removed(provider.active) ||
      provider.is_removed(provider.target)) {
    return bad("an impossible KEK version");
  }
  if (std::ranges::adjacent_find(provider.removed, std::greater_equal<>()) !=
      provider.removed.end()) {
    return bad("removed KEK versions out of order");
  }
  return {};
}

Result<void> check(const SealConfig& config) {
  const bool none =
      config.recovery_shares == 0 && config.recovery_threshold == 0;
  const bool bounded = config.recovery_threshold >= 1 &&
                       config.recovery_threshold <= config.recovery_shares &&
                       config.recovery_shares <= SealConfig::kSharesMax;
  if (!bounded && !none) {
    return fail(corrupt("core/seal-config: impossible numbers of shares"));
  }
  if (config.installation.empty() ||
      config.installation.size() > SealConfig::kTextBytesMax) {
    return fail(corrupt("core/seal-config: no installation id"));
  }
  for (const auto& provider : config.providers) {
    TRY(check_provider(provider));
    if (config.find(provider.id) != &provider) {
      return fail(corrupt("core/seal-config: a provider stands there twice"));
    }
  }
  return {};
}

Result<SealConfig::Provider> read_provider(WireReader& in) {
  SealConfig::Provider provider;
  provider.id.kind = in.text();
  provider.id.name = in.text();
  provider.active = in.u32();
  provider.target = in.u32();
  const std::uint32_t count = in.u32();
  if (count > SealConfig::kRemovedMax) {
    return fail(corrupt("core/seal-config: too many removed KEK versions"));
  }
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    provider.removed.push_back(in.u32());
  }
  return provider;
}

}  // namespace

ProviderId id_of(const kek::KekProvider& provider) {
  return {std::string(provider.kind()), std::string(provider.name())};
}

std::string provider_text(const ProviderId& id) {
  return id.name == id.kind ? id.kind
                            : fmt::format("{} \"{}\"", id.kind, id.name);
}

const SealConfig::Provider* SealConfig::find(const ProviderId& id) const {
  const auto found = std::ranges::find(providers, id, &Provider::id);
  return found == providers.end() ? nullptr : &*found;
}

SealConfig::Provider* SealConfig::find(const ProviderId& id) {
  const auto found = std::ranges::find(providers, id, &Provider::id);
  return found == providers.end() ? nullptr : &*found;
}

Bytes SealConfig::serialise() const {
  WireWriter out;
  out.u8(kFormat).text(installation);
  out.u32(recovery_shares).u32(recovery_threshold).i64(unix_nanos(created));
  out.u32(static_cast<std::uint32_t>(providers.size()));
  for (const Provider& provider : providers) {
    out.text(provider.id.kind).text(provider.id.name);
    out.u32(provider.active).u32(provider.target);
    out.u32(static_cast<std::uint32_t>(provider.removed.size()));
    for (const kek::KekVersion version : provider.removed) out.u32(version);
  }
  return to_bytes(out.view());
}

Result<SealConfig> SealConfig::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt("core/seal-config: not of a format that this knows"));
  }
  SealConfig config;
  config.installation = in.text();
  config.recovery_shares = in.u32();
  config.recovery_threshold = in.u32();
  config.created = from_unix_nanos(in.i64());
  const std::uint32_t count = in.u32();
  if (count > kProvidersMax) {
    return fail(corrupt("core/seal-config: too many providers"));
  }
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    TRY_ASSIGN(auto provider, read_provider(in));
    config.providers.push_back(std::move(provider));
  }
  TRY(in.finish(kPath));
  TRY(check(config));
  return config;
}

}  // namespace bulla::seal
