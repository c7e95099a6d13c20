#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "seal/custody.h"

namespace bulla::seal {

/// How many shares of what sys/init is to make.
struct InitLayout {
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
};

/// Checks the parameters for an installation sealed by `kind` ("shamir", or a
/// provider's), which has recovery shares instead when `automatic`.
///   kInvalidArgument  the texts of reference/sys.md §1.
Result<InitLayout> init_layout(const InitParams& params, std::string_view kind,
                               bool automatic);

/// Checks numbers of shares; `what` stands in "invalid WHAT configuration: ".
///   kInvalidArgument  the same texts.
Result<InitLayout> check_split(std::int64_t shares, std::int64_t threshold,
                               std::string_view what);

}  // namespace bulla::seal
