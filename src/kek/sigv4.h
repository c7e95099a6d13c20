#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret_bytes.h"

namespace bulla::kek {

/// Who signs. The token only goes with keys that are short-lived.
struct AwsCredentials {
  std::string access_key;
  SecretBytes secret_key;
  SecretBytes session_token;  ///< Empty for keys that last.
};

/// What is signed: a request without a query. `path` is percent-encoded as it
/// goes out; header values have no white space at their ends.
struct AwsRequest {
  std::string_view method;
  std::string_view host;  ///< With its port, where it is not the scheme's own.
  std::string_view path;
  std::vector<std::pair<std::string, std::string>> headers;  ///< All signed.
  std::string_view body;
};

/// The headers that make a request AWS's own, by Signature Version 4:
/// X-Amz-Date, X-Amz-Security-Token where there is a token, and Authorization.
/// They hold no secret but the token. Any thread.
std::vector<std::pair<std::string, std::string>> sign_aws(
    const AwsRequest& request, const AwsCredentials& credentials,
    std::string_view region, std::string_view service, Time now);

}  // namespace bulla::kek
