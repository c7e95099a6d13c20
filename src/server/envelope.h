#pragma once

#include <string>
#include <string_view>

#include "api/response.h"

namespace bulla::server {

/// Appends the JSON body of `response` to `out`: bare data as it is, else the
/// envelope request_id … auth around it (reference/http.md §2), and a newline.
/// Of an answer that is kept under a token, that token's wrap_info alone.
void append_envelope(std::string& out, const api::Response& response,
                     std::string_view request_id);

}  // namespace bulla::server
