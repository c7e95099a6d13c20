#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/operation.h"
#include "base/json.h"
#include "base/result.h"
#include "net/message.h"

namespace bulla::server {

/// Where a request goes and what it asks, before it is routed.
struct Decoded {
  std::string storage;    ///< Holds `path` when it had escapes.
  std::string_view path;  ///< After /v1/, decoded, LIST's slash taken off.
  std::string_view query;
  api::Operation operation = api::Operation::kRead;
  bool head = false;
  bool trailing_slash = false;
};

/// Whether `path` is one that a request can name: every segment but a last
/// empty one is something, none is "." or "..", nothing is unprintable.
///   kInvalidArgument  it is not.
Result<void> check_clean(std::string_view path);

/// Reads target and method (reference/http.md §4, §6). The path that policy
/// judges and the path that is routed are both `path`, decoded exactly once.
///   kInvalidArgument  relative, unclean or unprintable paths; bad escapes; a
///                     bad list parameter; a write to a path ending in '/'.
///   kNotFound         not under /v1/.
///   kUnsupported      a method that is not offered.
Result<void> decode_target(const net::Request& request, Decoded& out);

/// The body, or the query of GET, LIST and DELETE, as one JSON object; absent
/// when there is none. Forms and queries are turned to JSON text in `scratch`.
///   kInvalidArgument  not JSON, not an object, or over a limit.
Result<std::optional<JsonObject>> decode_body(const net::Request& request,
                                              const Decoded& decoded,
                                              const JsonLimits& limits,
                                              JsonParser& parser,
                                              std::string& scratch);

/// X-Vault-Token, else "Authorization: Bearer …"; "" without.
std::string_view client_token_of(const net::Request& request);

}  // namespace bulla::server
