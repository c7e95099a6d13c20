#include "server/error_status.h"

#include <fmt/format.h>

#include "base/json_writer.h"

namespace bulla::server {

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kUnsupported:
      return 405;
    case ErrorCode::kConflict:
      return 400;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kWrongMediaType:
      return 415;
    case ErrorCode::kExhausted:
      return 507;
    case ErrorCode::kUnavailable:
    case ErrorCode::kSealed:
      return 503;
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
    case ErrorCode::kWouldBlock:
    case ErrorCode::kWouldCompute:
      return 500;
  }
  return 500;
}

std::string plain_error_body(std::string_view text) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().key("errors").begin_array();
  if (!text.empty()) writer.value(text);
  writer.end_array().end_object();
  body += '\n';
  return body;
}

bool is_users_own(const Error& error) {
  return error.code() == ErrorCode::kInvalidArgument ||
         error.code() == ErrorCode::kTooLarge ||
         error.code() == ErrorCode::kWrongMediaType;
}

std::string shown_error(const Error& error, bool authenticated) {
  const bool plain = is_users_own(error) ||
                     error.code() == ErrorCode::kSealed || error.plain() ||
                     error.message().empty() || !authenticated;
  if (plain) return error.message();
  return wrapped_error(error.message());
}

std::string wrapped_error(std::string_view text) {
  return fmt::format("1 error occurred:\n\t* {}\n\n", text);
}

std::string error_body(const Error& error, bool authenticated) {
  return plain_error_body(shown_error(error, authenticated));
}

}  // namespace bulla::server
