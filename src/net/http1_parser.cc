#include "net/http1_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

namespace bulla::net {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Http1Parser::Http1Parser(std::vector<Header>& headers, BodySink* sink,
                         std::size_t header_bytes, std::size_t body_bytes)
    : headers_(headers), sink_(sink) {
  headers_.clear();
  header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(
      header_bytes, std::numeric_limits<std::uint32_t>::max())));
  if (body_bytes == std::numeric_limits<std::size_t>::max()) {
    body_limit(boost::none);
  } else {
    body_limit(body_bytes);
  }
}

std::optional<Http1Parser::Refusal> Http1Parser::parse_head(
    std::string_view head) {
  head_ = head;
  Code code;
  put(boost::asio::const_buffer(head.data(), head.size()), code);
  if (code) return refusal_for(code);
  head_done_ = true;
  return check_head();
}

std::optional<Http1Parser::Refusal> Http1Parser::check_head() const {
  if (!is_header_done()) return Refusal{400, "malformed HTTP request"};
  // A body coded in a way that is not known here has no known end.
  if (has_encoding_ && (!chunked() || !http11())) {
    return Refusal{501, "unsupported transfer encoding"};
  }
  if (hosts_ > 1 || (http11() && hosts_ == 0)) {
    return Refusal{400, "missing or repeated Host header"};
  }
  return std::nullopt;
}

std::size_t Http1Parser::parse_chunked(std::string_view bytes,
                                       std::optional<Refusal>& refusal) {
  // Beast asserts that it sees at least the shortest end of a body at once.
  static constexpr std::size_t kShortestEnd =
      std::string_view("0\r\n\r\n").size();
  std::size_t used = 0;
  while (!is_done() && bytes.size() - used >= kShortestEnd) {
    Code code;
    const auto n =
        put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used),
            code);
    used += n;
    if (code == http::error::need_more) return used;
    if (code) {
      refusal = refusal_for(code);
      return used;
    }
  }
  return used;
}

void Http1Parser::on_request_impl(http::verb, Text method, Text target,
                                  int version, Code&) {
  method_ = view(method);
  target_ = view(target);
  version_ = version;
}

void Http1Parser::on_field_impl(http::field field, Text name, Text value,
                                Code& code) {
  if (head_done_) {  // A trailer: counted, and otherwise ignored.
    if (++trailers_ > kHeadersMax) refuse(431, "too many headers", code);
    return;
  }
  if (headers_.size() == kHeadersMax) {
    return refuse(431, "too many headers", code);
  }
  const auto text = view(value);
  // A value folded over lines was put together outside of the input, where it
  // would not live.
  if (!text.empty() && (text.data() < head_.data() ||
                        text.data() >= head_.data() + head_.size())) {
    return refuse(400, "folded header", code);
  }
  headers_.push_back({view(name), text});
  note_framing(field, text, code);
}

void Http1Parser::note_framing(http::field field, std::string_view value,
                               Code& code) {
  switch (field) {
    case http::field::host:
      ++hosts_;
      return;
    case http::field::content_length:
      return note_length(value, code);
    case http::field::transfer_encoding:
      if (has_encoding_ || !iequals(value, "chunked")) {
        return refuse(501, "unsupported transfer encoding", code);
      }
      if (has_length_) {
        return refuse(400, "both Content-Length and Transfer-Encoding", code);
      }
      has_encoding_ = true;
      return;
    case http::field::expect:
      if (!iequals(value, "100-continue")) {
        return refuse(417, "unsupported expectation", code);
      }
      expects_continue_ = version_ == 11;
      return;
    default:
      return;
  }
}

void Http1Parser::note_length(std::string_view value, Code& code) {
  const bool digits = !value.empty() && value.size() <= 19 &&
                      std::all_of(value.begin(), value.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  if (has_length_ || !digits) {
    return refuse(400, "invalid or repeated Content-Length", code);
  }
  has_length_ = true;
  std::size_t length = 0;
  for (const char c : value) {
    length = length * 10 + static_cast<std::size_t>(c - '0');
  }
  body_length_ = length;
}

std::size_t Http1Parser::on_chunk_body_impl(std::uint64_t, Text body,
                                            Code& code) {
  if (sink_ == nullptr || !sink_->append(view(body))) {
    refuse(503, "too many requests in flight", code);
    return 0;
  }
  return body.size();
}

void Http1Parser::refuse(int status, std::string_view text, Code& code) {
  refusal_ = Refusal{status, text};
  code = http::make_error_code(http::error::bad_value);
}

Http1Parser::Refusal Http1Parser::refusal_for(const Code& code) const {
  if (refusal_) return *refusal_;
  if (code == http::error::body_limit) {
    return {413, "http: request body too large"};
  }
  if (code == http::error::header_limit) return {431, "headers too large"};
  return {400, "malformed HTTP request"};
}

}  // namespace bulla::net
