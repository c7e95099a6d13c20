#include "net/response_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace bulla::net {
namespace {

std::string_view reason(int status) {
  struct Reason {
    int status;
    std::string_view text;
  };
  static constexpr std::array<Reason, 25> kReasons = {{
      {204, "No Content"},
      {400, "Bad Request"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
      {429, "Too Many Requests"},
      {202, "Accepted"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {401, "Unauthorized"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {412, "Precondition Failed"},
      {413, "Request Entity Too Large"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {431, "Request Header Fields Too Large"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {504, "Gateway Timeout"},
  }};
  for (const auto& entry : kReasons) {
    if (entry.status == status) return entry.text;
  }
  return "Status";
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_status_line(std::string& out, int status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(std::clamp(status, 100, 999)));
  out.push_back(' ');
  out.append(reason(status));
  out.append("\r\n");
}

// Returns whether one of them was Cache-Control.
bool append_extra(std::string& out, const Response& response) {
  bool cache_control = false;
  std::string scratch;
  for (const auto& [name, value] : response.headers) {
    if (!header_may_be_sent(name)) continue;
    cache_control = cache_control || iequals(name, "cache-control");
    out.append(name);
    out.append(": ");
    out.append(clean_header_value(value, scratch));
    out.append("\r\n");
  }
  return cache_control;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) !=
               std::string_view::npos;
  });
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

bool status_has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void append_head(std::string& out, const Response& response, AnswerForm form) {
  append_status_line(out, response.status);
  if (status_has_body(response.status)) {
    if (response.content_type == "application/json") {
      out.append("Content-Type: application/json\r\nContent-Length: ");
    } else {
      if (!response.content_type.empty()) {
        std::string scratch;
        out.append("Content-Type: ");
        out.append(clean_header_value(response.content_type, scratch));
        out.append("\r\n");
      }
      out.append("Content-Length: ");
    }
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  const bool cached = !response.headers.empty() && append_extra(out, response);
  if (!cached) out.append("Cache-Control: no-store\r\n");
  if (form.close) out.append("Connection: close\r\n");
  if (form.keep_alive) out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

std::string errors_body(std::string_view text) {
  std::string body = "{\"errors\":[\"";
  body.append(text);
  body.append("\"]}\n");
  return body;
}

void set_refusal(Response& response, int status, std::string_view text) {
  response.reset();
  response.status = status;
  response.body = errors_body(text);
}

std::string_view clean_header_value(std::string_view value,
                                    std::string& scratch) {
  if (std::none_of(value.begin(), value.end(), is_control)) return value;
  scratch.assign(value);
  std::replace_if(scratch.begin(), scratch.end(), is_control, ' ');
  return scratch;
}

bool header_may_be_sent(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kOurs = {
      "content-length", "connection", "transfer-encoding",
      "content-type",   "keep-alive", "upgrade"};
  return is_token(name) &&
         std::none_of(kOurs.begin(), kOurs.end(),
                      [name](auto ours) { return iequals(name, ours); });
}

}  // namespace bulla::net
