#include "kek/provider_factory.h"

#include <fmt/format.h>

#include "kek/aws_kms_kek.h"
#include "kek/static_kek.h"
#include "kek/transit_kek.h"

namespace bulla::kek {

Result<std::unique_ptr<KekProvider>> make_provider(
    std::string_view kind, std::string_view name,
    const std::map<std::string, std::string>& options, crypto::Rng& rng) {
  std::string called(name.empty() ? kind : name);
  if (kind == StaticKek::kKind) {
    return StaticKek::from_options(std::move(called), options, rng);
  }
  if (kind == TransitKek::kKind) {
    return TransitKek::from_options(std::move(called), options);
  }
  if (kind == AwsKmsKek::kKind) {
    return AwsKmsKek::from_options(std::move(called), options);
  }
  if (kind == "shamir") {
    return fail(invalid_argument(
        "seal \"shamir\": opens by shares; no provider belongs to it"));
  }
  return fail(invalid_argument(fmt::format(
      "seal \"{}\": unknown kind; known: awskms, shamir, static, transit",
      kind.substr(0, 64))));
}

}  // namespace bulla::kek
