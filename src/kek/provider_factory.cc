#include "kek/provider_factory.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kek/aws_kms_kek.h"
#include "kek/config_kek.h"
#include "kek/env_kek.h"
#include "kek/passphrase_kek.h"
#include "kek/pkcs11_kek.h"
#include "kek/static_kek.h"
#include "kek/transit_kek.h"

namespace bulla::kek {

namespace {

struct Kind {
  std::string_view name;
  Result<std::unique_ptr<KekProvider>> (*make)(
      std::string name, const std::map<std::string, std::string>& options,
      crypto::Rng& rng);
};

constexpr Kind kKinds[] = {
    {AwsKmsKek::kKind, AwsKmsKek::from_options},
    {ConfigKek::kKind, ConfigKek::from_options},
    {EnvKek::kKind, EnvKek::from_environment},
    {PassphraseKek::kKind, PassphraseKek::from_options},
    {Pkcs11Kek::kKind, Pkcs11Kek::from_options},
    {StaticKek::kKind, StaticKek::from_options},
    {TransitKek::kKind, TransitKek::from_options},
};

std::string known_kinds() {
  std::string text = "shamir";
  for (const Kind& kind : kKinds) text += fmt::format(", {}", kind.name);
  return text;
}

}  // namespace

Result<std::unique_ptr<KekProvider>> make_provider(
    std::string_view kind, std::string_view name,
    const std::map<std::string, std::string>& options, crypto::Rng& rng) {
  const auto row = std::ranges::find(kKinds, kind, &Kind::name);
  if (row != std::end(kKinds)) {
    return row->make(std::string(name.empty() ? kind : name), options, rng);
  }
  if (kind == "shamir") {
    return fail(invalid_argument(
        "seal \"shamir\": opens by shares; no provider belongs to it"));
  }
  return fail(
      invalid_argument(fmt::format("seal \"{}\": unknown kind; known: {}",
                                   kind.substr(0, 64), known_kinds())));
}

}  // namespace bulla::kek
