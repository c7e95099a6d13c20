#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/rng.h"
#include "kek/kek_provider.h"

namespace bulla::kek {

/// Builds the provider of a seal stanza: the one place that knows every kind.
/// `name` tells several of a kind apart; empty, it is the kind. `rng` must
/// outlive the provider.
///   kInvalidArgument  an unknown kind, or what the kind says of `options`.
Result<std::unique_ptr<KekProvider>> make_provider(
    std::string_view kind, std::string_view name,
    const std::map<std::string, std::string>& options, crypto::Rng& rng);

}  // namespace bulla::kek
