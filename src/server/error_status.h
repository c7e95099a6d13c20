#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bulla::server {

/// The HTTP status of an error: the one place where codes become numbers
/// (reference/http.md §3).
int http_status(ErrorCode code);

/// Whether the caller's own input is at fault: such a text may repeat what was
/// sent, so audit lines show it hashed only.
bool is_users_own(const Error& error);
/// The text that the client gets to see. Failures that are not the caller's own
/// input are printed as go-multierror does when the request was authenticated
/// ("1 error occurred:\n\t* MSG\n\n"), since clients assert on it.
std::string shown_error(const Error& error, bool authenticated);
/// `text` in that printing.
std::string wrapped_error(std::string_view text);
/// `{"errors":[…]}` with shown_error() and a newline.
std::string error_body(const Error& error, bool authenticated);
/// The same with a text as it is; "" gives `{"errors":[]}`.
std::string plain_error_body(std::string_view text);

}  // namespace bulla::server
