// An HTTP/1 request, head and body, in pieces whose size the first byte gives.
// Whatever is parsed must lie inside of what was put in.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http1_parser.h"

namespace {

using bulla::net::Header;
using bulla::net::Http1Parser;

class Sink final : public Http1Parser::BodySink {
 public:
  bool append(std::string_view bytes) override {
    size_ += bytes.size();
    return size_ <= 4096;
  }

 private:
  std::size_t size_ = 0;
};

void require(bool condition) {
  if (!condition) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> ordered;
  return part.empty() ||
         (ordered(whole.data(), part.data()) &&
          ordered(part.data() + part.size(), whole.data() + whole.size()));
}

void check_head(const Http1Parser& parser, const std::vector<Header>& headers,
                std::string_view head) {
  require(inside(parser.method(), head) && !parser.method().empty());
  require(inside(parser.target(), head));
  require(headers.size() <= bulla::net::kHeadersMax);
  for (const auto& header : headers) {
    require(inside(header.name, head) && inside(header.value, head));
  }
  require(!parser.chunked() || parser.body_length() == 0);
}

void parse_body(Http1Parser& parser, std::string_view body, std::size_t piece) {
  std::optional<Http1Parser::Refusal> refusal;
  std::string held;
  while (!body.empty() && !parser.is_done() && !refusal) {
    held += body.substr(0, piece);
    body.remove_prefix(std::min(piece, body.size()));
    const auto used = parser.parse_chunked(held, refusal);
    require(used <= held.size());
    held.erase(0, used);
  }
  if (refusal) require(refusal->status >= 400 && refusal->status <= 599);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 64 + 1U;
  const void* raw = data + 1;
  const std::string_view input(static_cast<const char*>(raw), size - 1);
  const auto end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const auto head = input.substr(0, end + 4);
  std::vector<Header> headers;
  Sink sink;
  Http1Parser parser(headers, &sink, 8192, 8192);
  if (const auto refusal = parser.parse_head(head)) {
    require(refusal->status >= 400 && refusal->status <= 599);
    return 0;
  }
  check_head(parser, headers, head);
  if (parser.chunked()) parse_body(parser, input.substr(end + 4), piece);
  return 0;
}
