#include "base/error.h"

#include <fmt/format.h>

namespace bulla {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kWrongMediaType:
      return "wrong_media_type";
    case ErrorCode::kExhausted:
      return "exhausted";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kSealed:
      return "sealed";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kWouldBlock:
      return "would_block";
    case ErrorCode::kWouldCompute:
      return "would_compute";
  }
  return "unknown";
}

Error Error::with_context(std::string_view what) && {
  return {code_, fmt::format("{}: {}", what, message_)};
}

}  // namespace bulla
