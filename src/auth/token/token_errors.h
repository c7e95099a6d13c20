#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/token.h"
#include "auth/token_store.h"
#include "base/result.h"

namespace bulla::auth {

/// A 400 whose text is in go-multierror's wrapping, as some of the accessor
/// endpoints answer.
inline Error wrapped_argument(std::string_view text) {
  return invalid_argument("1 error occurred:\n\t* " + std::string(text) +
                          "\n\n");
}

/// As TokenStore::lookup_accessor, an unknown one in that wrapping.
inline Result<std::shared_ptr<const api::Token>> token_by_accessor(
    TokenStore& tokens, std::string_view accessor) {
  auto token = tokens.lookup_accessor(accessor);
  if (token || token.error().code() != ErrorCode::kInvalidArgument) {
    return token;
  }
  return fail(wrapped_argument(token.error().message()));
}

}  // namespace bulla::auth
