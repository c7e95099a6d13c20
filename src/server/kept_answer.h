#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace bulla::server {

/// An answer as it would have been sent, kept under a wrapping token.
struct KeptAnswer {
  std::string json;  ///< The whole body, without a newline at its end.
  int status = 0;    ///< 0: 200.
};

/// As it is stored: see docs/formats/token.md.
std::string write_kept_answer(const KeptAnswer& answer);

///   kCorrupt  not what write_kept_answer() makes.
Result<KeptAnswer> parse_kept_answer(std::string_view text);

}  // namespace bulla::server
