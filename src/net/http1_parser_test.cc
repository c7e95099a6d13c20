#include "net/http1_parser.h"

#include <gmock/gmock.h>

#include <limits>

namespace bulla::net {
namespace {

class Sink final : public Http1Parser::BodySink {
 public:
  bool append(std::string_view bytes) override {
    body.append(bytes);
    return body.size() <= room;
  }
  std::string body;
  std::size_t room = 1000;
};

struct Parsed {
  std::vector<Header> headers;
  Sink sink;
  Http1Parser parser{headers, &sink, 4096, 100};
};

TEST(Http1Parser, GivesViewsOfItsInput) {
  const std::string head =
      "SCAN /a?b HTTP/1.1\r\nHost: h\r\nX-One:  v w \r\nEmpty:\r\n"
      "Content-Length: 7\r\nExpect: 100-Continue\r\n\r\n";
  Parsed parsed;
  ASSERT_FALSE(parsed.parser.parse_head(head).has_value());
  EXPECT_EQ(parsed.parser.method(), "SCAN");
  EXPECT_EQ(parsed.parser.target(), "/a?b");
  EXPECT_TRUE(parsed.parser.http11());
  EXPECT_TRUE(parsed.parser.keep_alive());
  EXPECT_FALSE(parsed.parser.chunked());
  EXPECT_TRUE(parsed.parser.expects_continue());
  EXPECT_EQ(parsed.parser.body_length(), 7U);
  ASSERT_EQ(parsed.headers.size(), 5U);
  EXPECT_EQ(parsed.headers[1].name, "X-One");
  EXPECT_EQ(parsed.headers[1].value, "v w");
  EXPECT_EQ(parsed.headers[2].value, "");
  for (const auto& header : parsed.headers) {
    EXPECT_GE(header.name.data(), head.data());
    EXPECT_LT(header.name.data(), head.data() + head.size());
  }
}

TEST(Http1Parser, RefusesWithTheRightStatus) {
  const auto status = [](const std::string& rest) {
    Parsed parsed;
    const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\n" + rest + "\r\n";
    const auto refusal = parsed.parser.parse_head(head);
    return refusal ? refusal->status : 0;
  };
  EXPECT_EQ(status(""), 0);
  EXPECT_EQ(status("Content-Length: 100\r\n"), 0);
  EXPECT_EQ(status("Content-Length: 101\r\n"), 413);
  EXPECT_EQ(status("Content-Length: 1\r\nContent-Length: 1\r\n"), 400);
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\n"), 0);
  EXPECT_EQ(status("Transfer-Encoding: identity\r\n"), 501);
  EXPECT_EQ(status("X: " + std::string(5000, 'x') + "\r\n"), 431);
  EXPECT_EQ(status("X: a\r\n b\r\n"), 400);
  EXPECT_EQ(status("Expect: other\r\n"), 417);
}

TEST(Http1Parser, ChunksMayBeCutAnywhere) {
  const std::string chunks = "3\r\nabc\r\nA;e=\"q\"\r\n0123456789\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= chunks.size(); ++piece) {
    Parsed parsed;
    ASSERT_FALSE(parsed.parser.parse_head(
        "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    std::optional<Http1Parser::Refusal> refusal;
    std::string held;
    for (std::size_t at = 0; at < chunks.size(); at += piece) {
      held += chunks.substr(at, piece);
      held.erase(0, parsed.parser.parse_chunked(held, refusal));
      ASSERT_FALSE(refusal.has_value()) << piece;
    }
    EXPECT_TRUE(parsed.parser.is_done()) << piece;
    EXPECT_EQ(parsed.sink.body, "abc0123456789") << piece;
    EXPECT_EQ(held, "");
  }
}

TEST(Http1Parser, WhatFollowsTheLastChunkIsLeft) {
  Parsed parsed;
  ASSERT_FALSE(parsed.parser.parse_head(
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::optional<Http1Parser::Refusal> refusal;
  EXPECT_EQ(parsed.parser.parse_chunked("1\r\na\r\n0\r\n\r\nGET /", refusal),
            11U);
  EXPECT_TRUE(parsed.parser.is_done());
}

TEST(Http1Parser, ChunkedBodiesHaveTheLimitAndTheSinkHasTheWord) {
  for (const std::size_t room : {1000UL, 10UL}) {
    Parsed parsed;
    parsed.sink.room = room;
    ASSERT_FALSE(parsed.parser.parse_head(
        "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    std::optional<Http1Parser::Refusal> refusal;
    const std::string piece = "32\r\n" + std::string(50, 'x') + "\r\n";
    parsed.parser.parse_chunked(piece + piece + piece, refusal);
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->status, room == 10 ? 503 : 413);
  }
}

TEST(Http1Parser, MayHaveNoLimitAtAll) {
  std::vector<Header> headers;
  Http1Parser parser(headers, nullptr, 4096,
                     std::numeric_limits<std::size_t>::max());
  EXPECT_FALSE(
      parser.parse_head("PUT / HTTP/1.1\r\nHost: h\r\n"
                        "Content-Length: 9999999999\r\n\r\n"));
  EXPECT_EQ(parser.body_length(), 9999999999U);
}

TEST(Message, MethodsAndNames) {
  EXPECT_EQ(parse_method("POST"), Method::kPost);
  EXPECT_EQ(parse_method("post"), Method::kOther);
  EXPECT_EQ(parse_method(""), Method::kOther);
  EXPECT_TRUE(iequals("X-Vault-Token", "x-vault-TOKEN"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));
}

}  // namespace
}  // namespace bulla::net
