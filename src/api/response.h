#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace bulla::api {

/// The `auth` object of an answer: of a login, a token creation or a renewal.
struct Auth {
  std::string client_token;  ///< "" in a login's answer: the server makes one.
  std::string accessor;
  std::vector<std::string> policies;        ///< The union, sorted.
  std::vector<std::string> token_policies;  ///< Omitted when empty.
  std::vector<std::string> identity_policies;
  std::map<std::string, std::string> metadata;
  Seconds lease_duration{0};
  bool renewable = false;
  std::string entity_id;
  std::string token_type = "service";
  bool orphan = true;
  std::int64_t num_uses = 0;

  /// The token's, for audit; of a login: what is appended to the mount's.
  std::string display_name;

  // For logins only: what the token is to be.
  std::string alias_name;
  Seconds ttl{0};
  Seconds max_ttl{0};
  Seconds explicit_max_ttl{0};
  Seconds period{0};
  bool no_default_policy = false;
  std::vector<std::string> bound_cidrs;
};

/// The token that an answer is kept under, which is sent in its place.
struct WrapInfo {
  std::string token;
  std::string accessor;
  Seconds ttl{0};
  Time creation_time;
  std::string creation_path;
  std::string wrapped_accessor;  ///< Of a token inside; "" for none.
};

/// What a handler answers. `data` is the JSON text of the `data` object (or of
/// the whole body when `bare`), written once by the handler; the server puts
/// the envelope around it.
struct Response {
  /// Nothing: 404 for reads and lists, 204 for the rest.
  static Response none() { return {}; }
  static Response with_data(std::string json) {
    Response response;
    response.present = true;
    response.data = std::move(json);
    return response;
  }
  /// The whole body is `json`; no envelope.
  static Response bare_body(std::string json, int status = 200) {
    Response response = with_data(std::move(json));
    response.bare = true;
    response.status = status;
    return response;
  }
  /// A document that is no answer to look into: audit lines hash it whole.
  static Response opaque_body(std::string text, std::string_view type) {
    Response response = bare_body(std::move(text));
    response.content_type = type;
    response.opaque = true;
    return response;
  }
  Response&& with_status(int code) && {
    status = code;
    return std::move(*this);
  }
  Response&& warn(std::string text) && {
    present = true;
    warnings.push_back(std::move(text));
    return std::move(*this);
  }

  bool present = false;
  int status = 0;    ///< 0: 200, or 204 when not present.
  std::string data;  ///< "" writes null.
  bool bare = false;
  bool opaque = false;
  bool duplicate_at_top = false;  ///< Repeat data's keys in the envelope.
  std::string_view content_type = "application/json";
  std::vector<std::string> warnings;
  std::unique_ptr<Auth> auth;
  std::string lease_id;
  bool renewable = false;
  Seconds lease_duration{0};
  std::vector<std::pair<std::string, std::string>> headers;
  std::unique_ptr<WrapInfo> wrap_info;  ///< Where set, all that is sent.
  /// The most a response-wrapping token may live, 0: no bound.
  Seconds wrap_ttl_max{0};
};

}  // namespace bulla::api
