#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace bulla {

/// What went wrong, as few kinds as callers tell apart. One function,
/// server/error_status.h, maps them to HTTP. "Could not reach it"
/// (kUnavailable) and "it is forged" (kCorrupt) never share a code.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,   ///< The caller's input is wrong (HTTP 400).
  kPermissionDenied,  ///< Known and refused (403).
  kNotFound,          ///< The thing asked for is not there (404).
  kUnsupported,       ///< The operation is not offered here (405).
  kConflict,          ///< An expected version did not hold; nothing changed.
  kTooLarge,          ///< A limit on size was passed (413).
  kWrongMediaType,    ///< A Content-Type that is not taken here (415).
  kExhausted,         ///< A resource ran out, such as disk space (507).
  kUnavailable,   ///< Not reachable now, or outcome unknown; may be retried.
  kSealed,        ///< The server is sealed (503).
  kCorrupt,       ///< Wrong key, or bytes that are not what was written.
  kInternal,      ///< A failure that is not the caller's (500).
  kWouldBlock,    ///< Inline only: run me again where blocking is allowed.
  kWouldCompute,  ///< Inline only: run me again where long sums are allowed.
};

/// A stable lower-case word for logs: "invalid_argument", ….
std::string_view error_code_name(ErrorCode code);

/// A typed failure with a message fit for the caller. Never holds a secret.
class Error {
 public:
  Error(ErrorCode code, std::string message)
      : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  /// Its text goes to the client as it is, not in go-multierror's wrapping.
  bool plain() const { return plain_; }
  Error as_plain() && {
    plain_ = true;
    return std::move(*this);
  }

  /// The same failure with "`what`: " before its message.
  Error with_context(std::string_view what) &&;

 private:
  ErrorCode code_;
  std::string message_;
  bool plain_ = false;
};

inline Error invalid_argument(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}
inline Error internal_error(std::string message) {
  return {ErrorCode::kInternal, std::move(message)};
}
inline Error not_found(std::string message) {
  return {ErrorCode::kNotFound, std::move(message)};
}
inline Error permission_denied() {
  return {ErrorCode::kPermissionDenied, "permission denied"};
}
inline Error corrupt(std::string message) {
  return {ErrorCode::kCorrupt, std::move(message)};
}
inline Error unavailable(std::string message) {
  return {ErrorCode::kUnavailable, std::move(message)};
}
inline Error would_block() { return {ErrorCode::kWouldBlock, {}}; }
inline Error would_compute() { return {ErrorCode::kWouldCompute, {}}; }

}  // namespace bulla
