#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/request.h"
#include "api/token.h"
#include "base/clock.h"
#include "base/result.h"

namespace bulla::api {

/// What an auth method says at the renewal of a token that it gave.
struct Renewal {
  Seconds ttl{0};
  Seconds max_ttl{0};
  Seconds period{0};
  std::vector<std::string> policies;
  bool no_default_policy = false;
};

/// What a backend is besides, whose routes without a token are logins: their
/// handlers answer with the `auth` of a token that the server then makes. Where
/// such a handler answers would_compute(), the request waits in a lane that
/// logins have to themselves. Any thread.
class LoginMethod {
 public:
  virtual ~LoginMethod() = default;

  /// Who is about to log in, in the form that stands for all its spellings; ""
  /// for nobody in particular.
  virtual std::string login_name(const Request& request) const = 0;
  /// The message of the error that wrong names and secrets get, whichever of
  /// them is wrong. Each counts against the name.
  virtual std::string_view refusal() const = 0;
  /// What the renewal of a token that a login gave goes by.
  ///   kInternal  "…, not renewing".
  virtual Result<Renewal> renewal(const Token& token) const = 0;
};

}  // namespace bulla::api
