#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace bulla {

/// A value or a typed error. Nothing of ours throws.
template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error(code, std::move(message)));
}

}  // namespace bulla

#define BULLA_CONCAT_(a, b) a##b
#define BULLA_CONCAT(a, b) BULLA_CONCAT_(a, b)

/// Statement: returns the error of `expr`, if it has one.
#define TRY(expr)                                                           \
  do {                                                                      \
    if (auto bulla_try_ = (expr); !bulla_try_) [[unlikely]] {               \
      return tl::unexpected<::bulla::Error>(std::move(bulla_try_).error()); \
    }                                                                       \
  } while (false)

/// Statement: `decl` = the value of `expr`, or returns its error. The GNU
/// expression form is not used: it skips destructors of half-built aggregates.
#define TRY_ASSIGN(decl, expr)                                     \
  auto BULLA_CONCAT(bulla_result_, __LINE__) = (expr);             \
  if (!BULLA_CONCAT(bulla_result_, __LINE__)) [[unlikely]]         \
    return tl::unexpected<::bulla::Error>(                         \
        std::move(BULLA_CONCAT(bulla_result_, __LINE__)).error()); \
  decl = *std::move(BULLA_CONCAT(bulla_result_, __LINE__))
