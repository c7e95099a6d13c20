#include "seal/seal_config.h"

#include "base/wire.h"

namespace bulla::seal {
namespace {

constexpr std::uint8_t kFormat = 1;

Result<void> check(const SealConfig& config) {
  const bool none = config.shares == 0 && config.threshold == 0;
  const bool bounded = config.threshold >= 1 &&
                       config.threshold <= config.shares &&
                       config.shares <= SealConfig::kSharesMax;
  // Only recovery keys may be absent.
  if (!bounded && !(none && config.automatic())) {
    return fail(corrupt("core/seal-config: impossible numbers of shares"));
  }
  if (config.installation.empty() ||
      config.installation.size() > SealConfig::kTextBytesMax) {
    return fail(corrupt("core/seal-config: no installation id"));
  }
  for (const auto& provider : config.providers) {
    if (provider.kind.empty() ||
        provider.kind.size() > SealConfig::kTextBytesMax ||
        provider.name.size() > SealConfig::kTextBytesMax) {
      return fail(corrupt("core/seal-config: a provider without a kind"));
    }
  }
  return {};
}

}  // namespace

Bytes SealConfig::serialise() const {
  WireWriter out;
  out.u8(kFormat).text(installation).u32(shares).u32(threshold);
  out.i64(unix_nanos(created));
  out.u32(static_cast<std::uint32_t>(providers.size()));
  for (const Provider& provider : providers) {
    out.text(provider.kind).text(provider.name);
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
  config.shares = in.u32();
  config.threshold = in.u32();
  config.created = from_unix_nanos(in.i64());
  const std::uint32_t count = in.u32();
  if (count > kProvidersMax) {
    return fail(corrupt("core/seal-config: too many providers"));
  }
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    Provider provider;
    provider.kind = in.text();
    provider.name = in.text();
    config.providers.push_back(std::move(provider));
  }
  TRY(in.finish(kPath));
  TRY(check(config));
  return config;
}

}  // namespace bulla::seal
