#pragma once

#include <string>
#include <string_view>

#include "net/message.h"

namespace bulla::net {

/// How an HTTP/1 answer is sent, apart from what it says.
struct AnswerForm {
  bool head = false;        ///< The request was HEAD: no body.
  bool close = false;       ///< Says Connection: close.
  bool keep_alive = false;  ///< Says Connection: keep-alive (to HTTP/1.0).
};

/// Whether a status may carry a body at all: not 1xx, 204 and 304.
bool status_has_body(int status);

/// Appends status line and headers, with the blank line, for `response`.
void append_head(std::string& out, const Response& response, AnswerForm form);

/// {"errors":["text"]} and a newline; `text` must not need escaping.
std::string errors_body(std::string_view text);

/// Makes `response` one of the network layer's own refusals.
void set_refusal(Response& response, int status, std::string_view text);

/// `value` without what may not be in a header: control characters become
/// spaces. Returns `scratch` when it had to change, `value` otherwise.
std::string_view clean_header_value(std::string_view value,
                                    std::string& scratch);

/// Whether `name` is a token, and none of the headers that the connection sets
/// itself (Content-Length, Connection, Transfer-Encoding, …).
bool header_may_be_sent(std::string_view name);

}  // namespace bulla::net
