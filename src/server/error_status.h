#pragma once

#include <string>

#include "base/error.h"

namespace bulla::server {

/// The HTTP status of an error: the one place where codes become numbers
/// (reference/http.md §3).
int http_status(ErrorCode code);

/// `{"errors":[…]}` and a newline. Failures that are not the caller's own input
/// are printed as go-multierror does when the request was authenticated
/// ("1 error occurred:\n\t* MSG\n\n"), since clients assert on it.
std::string error_body(const Error& error, bool authenticated);
/// The same with the text as it is; "" gives `{"errors":[]}`.
std::string plain_error_body(std::string_view text);

}  // namespace bulla::server
