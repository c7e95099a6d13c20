#include "net/http1.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <array>

#include "net/test_server.h"

namespace bulla::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kTooLarge =
    "{\"errors\":[\"http: request body too large\"]}\n";

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
std::string post(const std::string& target, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(Http1, AnswersAreExact) {
  TestServer server([](Exchange& exchange) {
    exchange.response().body = "{}";
    exchange.response().headers.emplace_back("X-One", "a\r\nX-Two: b");
  });
  RawPeer peer(server.port());
  peer.send(get("/"));
  EXPECT_EQ(peer.read_answer(),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\nX-One: a  X-Two: b\r\n"
            "Cache-Control: no-store\r\n\r\n{}");
}

TEST(Http1, KeepsTheConnectionAlive) {
  TestServer server(&echo);
  RawPeer peer(server.port());
  for (int i = 0; i < 5; ++i) {
    peer.send(post("/v1/a", std::to_string(i)));
    EXPECT_THAT(peer.read_answer(),
                EndsWith("POST /v1/a [" + std::to_string(i) + "]"));
  }
}

TEST(Http1, GivesTheRequestAsItWasSent) {
  std::string seen;
  TestServer server([&seen](Exchange& exchange) {
    const auto& request = exchange.request();
    EXPECT_EQ(request.method, Method::kPatch);
    EXPECT_EQ(request.http_major, 1);
    EXPECT_EQ(request.peer->address, "127.0.0.1");
    EXPECT_NE(request.peer->port, 0);
    EXPECT_FALSE(request.peer->tls);
    EXPECT_EQ(request.headers.size(), 4U);
    EXPECT_EQ(request.headers[1].name, "X-Vault-Token");
    EXPECT_EQ(request.header("x-vault-TOKEN"), "s.1");
    EXPECT_EQ(request.header("absent"), "");
    // The padding must be readable, whatever is in it.
    const volatile char* body = request.body.data();
    for (std::size_t i = 0; i < kBodyPadding; ++i) {
      seen.push_back(body[request.body.size() + i]);
    }
  });
  RawPeer peer(server.port());
  peer.send(
      "PATCH /a%20b?c=d HTTP/1.1\r\nHost: h\r\nX-Vault-Token:  s.1 \r\n"
      "x-vault-token: s.2\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_THAT(peer.read_answer(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(seen.size(), kBodyPadding);
}

TEST(Http1, PipelinedRequestsAreAnsweredInOrderAndInOneTurn) {
  TestServer server(&echo);
  RawPeer peer(server.port());
  std::string burst;
  for (int i = 0; i < 20; ++i) burst += post("/", std::to_string(i));
  peer.send(burst);
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(peer.read_answer(),
                EndsWith("POST / [" + std::to_string(i) + "]"));
  }
  EXPECT_LT(server.turns, 5);
}

TEST(Http1, LongPipelinesAreAnsweredInSeveralTurns) {
  TestServer server(&echo);
  RawPeer peer(server.port());
  std::string burst;
  for (int i = 0; i < 1000; ++i) burst += get("/" + std::to_string(i));
  std::thread sender([&] { peer.send(burst); });
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THAT(peer.read_answer(),
                EndsWith("GET /" + std::to_string(i) + " []"));
  }
  sender.join();
  EXPECT_GT(server.turns, 1000 / 64);
}

TEST(Http1, RequestsMayArriveByteByByte) {
  TestServer server(&echo);
  RawPeer peer(server.port());
  for (const char c : "\r\n" + post("/slow", "body") + get("/next")) {
    peer.send({&c, 1});
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_THAT(peer.read_answer(), EndsWith("POST /slow [body]"));
  EXPECT_THAT(peer.read_answer(), EndsWith("GET /next []"));
}

TEST(Http1, BodiesOfEverySizeArrive) {
  TestServer server([](Exchange& exchange) {
    exchange.response().body.assign(exchange.request().body);
  });
  RawPeer peer(server.port());
  for (const std::size_t size :
       {0UL, 1UL, 16000UL, 16384UL, 20000UL, 131072UL, 1000000UL, 3000000UL}) {
    std::string body(size, 'b');
    if (size > 1) body.front() = body.back() = 'e';
    std::thread sender([&] { peer.send(post("/", body) + post("/", "x")); });
    EXPECT_TRUE(peer.read_answer().ends_with("\r\n\r\n" + body)) << size;
    EXPECT_TRUE(peer.read_answer().ends_with("\r\n\r\nx")) << size;
    sender.join();
  }
}

TEST(Http1, ChunkedBodiesAreJoined) {
  TestServer server(&echo);
  RawPeer peer(server.port());
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  peer.send(head + "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n" +
            get("/next"));
  EXPECT_THAT(peer.read_answer(), EndsWith("PUT / [hello world]"));
  EXPECT_THAT(peer.read_answer(), EndsWith("GET /next []"));
  for (const char c : head + "3\r\nabc\r\n0\r\n\r\n") {
    peer.send({&c, 1});
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_THAT(peer.read_answer(), EndsWith("PUT / [abc]"));
}

TEST(Http1, LongChunkedBodiesArrive) {
  TestServer server([](Exchange& exchange) {
    exchange.response().body = std::to_string(exchange.request().body.size());
  });
  RawPeer peer(server.port());
  std::string request =
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i) {
    request += "4e20\r\n" + std::string(20000, 'c') + "\r\n";
  }
  peer.send(request + "0\r\n\r\n");
  EXPECT_THAT(peer.read_answer(), EndsWith("\r\n\r\n2000000"));
}

TEST(Http1, HeadHasNoBodyAndNoContentHasNoLength) {
  TestServer server([](Exchange& exchange) {
    exchange.response().body = "12345";
    if (exchange.request().target == "/none") exchange.response().status = 204;
  });
  RawPeer peer(server.port());
  peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/none") + get("/"));
  EXPECT_THAT(peer.read_answer(true), HasSubstr("Content-Length: 5"));
  EXPECT_THAT(peer.read_answer(), AllOf(StartsWith("HTTP/1.1 204 No Content"),
                                        Not(HasSubstr("Content-"))));
  EXPECT_THAT(peer.read_answer(), EndsWith("\r\n\r\n12345"));
}

TEST(Http1, KnowsListAndScanAndLeavesOtherMethodsToTheHandler) {
  TestServer server([](Exchange& exchange) {
    exchange.response().body =
        std::to_string(static_cast<int>(exchange.request().method));
  });
  RawPeer peer(server.port());
  for (const auto& [name, method] :
       {std::pair{"LIST", Method::kList}, std::pair{"SCAN", Method::kScan},
        std::pair{"HELP", Method::kOther}, std::pair{"list", Method::kOther}}) {
    peer.send(std::string(name) + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(
        peer.read_answer(),
        EndsWith("\r\n\r\n" + std::to_string(static_cast<int>(method))));
  }
}

TEST(Http1, ClosesWhenAskedTo) {
  TestServer server(&echo);
  RawPeer close(server.port());
  close.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" +
             get("/never"));
  const auto answer = close.read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("GET / []"));
  EXPECT_TRUE(close.closed());

  RawPeer old(server.port());
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(old.read_answer(), HasSubstr("Connection: keep-alive\r\n"));
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.read_all(), HasSubstr("Connection: close\r\n"));
}

TEST(Http1, AHalfClosedPeerGetsItsAnswer) {
  TestServer server(&echo);
  RawPeer peer(server.port());
  peer.send(get("/"));
  peer.shutdown_write();
  EXPECT_THAT(peer.read_all(), EndsWith("GET / []"));
  EXPECT_TRUE(peer.closed());
}

TEST(Http1, AsksForTheBodyOnlyWhenItWillTakeIt) {
  ListenerOptions options;
  options.limits.body_bytes = 100;
  TestServer server(&echo, options);
  const auto head = [](int length) {
    return "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
           "Content-Length: " +
           std::to_string(length) + "\r\n\r\n";
  };
  RawPeer peer(server.port());
  peer.send(head(4));
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("body");
  EXPECT_THAT(peer.read_answer(), EndsWith("PUT / [body]"));
  peer.send(head(101));
  EXPECT_THAT(peer.read_answer(), StartsWith("HTTP/1.1 413 "));

  RawPeer other(server.port());
  other.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n");
  EXPECT_THAT(other.read_all(), StartsWith("HTTP/1.1 417 "));
}

TEST(Http1, BodiesOverTheLimitAreRefused) {
  ListenerOptions options;
  options.limits.body_bytes = 100000;
  TestServer server(&echo, options);
  RawPeer fits(server.port());
  fits.send(post("/", std::string(100000, 'a')));
  EXPECT_THAT(fits.read_answer(), StartsWith("HTTP/1.1 200"));

  RawPeer length(server.port());
  length.send(post("/", std::string(100001, 'a')));
  const auto answer = length.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 Request Entity Too Large\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(answer.ends_with(kTooLarge));

  RawPeer chunked(server.port());
  chunked.send(
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) {
    chunked.send("2710\r\n" + std::string(10000, 'c') + "\r\n");
  }
  EXPECT_TRUE(chunked.read_all().ends_with(kTooLarge));
}

TEST(Http1, HeadersOverTheLimitsAreRefused) {
  ListenerOptions options;
  options.limits.header_bytes = 20000;
  TestServer server(&echo, options);
  const auto request = [](std::size_t count, std::size_t size) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < count; ++i) {
      text += "X-" + std::to_string(i) + ": " + std::string(size, 'v') + "\r\n";
    }
    return text + "\r\n";
  };
  RawPeer fits(server.port());
  fits.send(request(kHeadersMax, 100));
  EXPECT_THAT(fits.read_answer(), StartsWith("HTTP/1.1 200"));
  fits.send(request(kHeadersMax + 1, 1));
  EXPECT_THAT(fits.read_all(), StartsWith("HTTP/1.1 431 "));
  RawPeer bytes(server.port());
  bytes.send(request(2, 19000));
  EXPECT_THAT(bytes.read_answer(), StartsWith("HTTP/1.1 200"));
  bytes.send(request(2, 21000));
  EXPECT_THAT(bytes.read_all(), StartsWith("HTTP/1.1 431 "));
  RawPeer endless(server.port());
  endless.send("GET / HTTP/1.1\r\nX: " + std::string(30000, 'x'));
  EXPECT_THAT(endless.read_all(), StartsWith("HTTP/1.1 431 "));
}

// Waits (at most 3 s) until one of the two has an answer; whether `peer` has.
bool is_answered(const RawPeer& peer, const RawPeer& other) {
  std::array<pollfd, 2> both{{{peer.fd(), POLLIN, 0}, {other.fd(), POLLIN, 0}}};
  ::poll(both.data(), both.size(), 3000);
  return both[0].revents != 0;
}

TEST(Http1, BuffersOfAllBodiesTogetherAreBounded) {
  ListenerOptions options;
  options.limits.buffered_bytes_total = 3 << 20;
  TestServer server(&echo, options);
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n";
  RawPeer first(server.port());
  RawPeer second(server.port());
  first.send(head + std::string(1900000, 'a'));
  second.send(head + std::string(1900000, 'a'));
  // Either may be the one that comes too late: the loop reads both in turn.
  const bool first_is_refused = is_answered(first, second);
  RawPeer& refused = first_is_refused ? first : second;
  RawPeer& kept = first_is_refused ? second : first;
  EXPECT_THAT(refused.read_all(), StartsWith("HTTP/1.1 503 "));
  kept.send(std::string(100000, 'a'));
  EXPECT_THAT(kept.read_answer(), StartsWith("HTTP/1.1 200 "));
  RawPeer third(server.port());
  third.send(head + std::string(2000000, 'a'));
  EXPECT_THAT(third.read_answer(), StartsWith("HTTP/1.1 200 "));
}

TEST(Http1, WhatCouldBeReadInTwoWaysIsRefused) {
  int handled = 0;
  TestServer server([&handled](Exchange&) { ++handled; });
  for (const std::string text : {
           "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
           "Content-Length: 3\r\nContent-Length: 4\r\n",
           "Content-Length: 3\r\nContent-Length: 3\r\n",
           "Content-Length: 3, 3\r\n",
           "Content-Length: +3\r\n",
           "Content-Length: 0x3\r\n",
           "Content-Length: -1\r\n",
           "Content-Length:\r\n",
           "Content-Length: 99999999999999999999\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: chunked, chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: \x0b"
           "chunked\r\n",
           "Content-Length : 3\r\n",
           "X: a\nContent-Length: 3\r\n",
           "X: a\r\n b: c\r\n",
           "Host: b\r\n",
           "X: a\rb\r\n",
           "X\x01: a\r\n",
           ": a\r\n",
           "no colon\r\n",
       }) {
    RawPeer peer(server.port());
    peer.send("POST / HTTP/1.1\r\nHost: a\r\n" + text + "\r\nabc");
    EXPECT_THAT(peer.read_all(), testing::AnyOf(StartsWith("HTTP/1.1 400 "),
                                                StartsWith("HTTP/1.1 413 "),
                                                StartsWith("HTTP/1.1 501 ")))
        << text;
    EXPECT_TRUE(peer.closed()) << text;
  }
  EXPECT_EQ(handled, 0);
}

TEST(Http1, MalformedRequestsAreRefused) {
  TestServer server(&echo);
  for (const std::string& text : {
           std::string("GET / HTTP/1.1\r\n\r\n"),
           std::string("GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
           std::string("GET /\r\n\r\n"),
           std::string("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("G\xffT / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("\x16\x03\x01\x02\x00\x01\x00", 7),
           std::string("\0\0\0\0", 4),
           std::string("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
       }) {
    RawPeer peer(server.port());
    peer.send(text);
    const auto answer = peer.read_all();
    EXPECT_THAT(answer, testing::AnyOf(StartsWith("HTTP/1.1 400 "),
                                       StartsWith("HTTP/1.1 501 ")))
        << text;
    EXPECT_THAT(answer, HasSubstr("{\"errors\":[\""));
  }
}

TEST(Http1, MalformedChunksAreRefused) {
  TestServer server(&echo);
  for (const std::string& text :
       {std::string("x\r\nabc\r\n0\r\n\r\n"), std::string("3\r\nabcd\r\n0\r\n"),
        std::string("ffffffffffffffffff\r\nabc"),
        std::string("3\nabc\r\n0\r\n\r\n"),
        "3;" + std::string(40000, 'e') + "\r\n",
        "0\r\nX: " + std::string(40000, 't') + "\r\n",
        std::string("0\r\nContent-Length: 3\r\n\r\n")}) {
    RawPeer peer(server.port());
    peer.send(
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
        text);
    EXPECT_THAT(peer.read_all(), testing::AnyOf(StartsWith("HTTP/1.1 400 "),
                                                StartsWith("HTTP/1.1 413 ")))
        << text.substr(0, 20);
  }
}

TEST(Http1, SlowPeersTimeOut) {
  ListenerOptions options;
  options.limits.header_timeout = std::chrono::milliseconds(150);
  options.limits.body_timeout = std::chrono::milliseconds(150);
  options.limits.idle_timeout = std::chrono::milliseconds(300);
  TestServer server(&echo, options);
  RawPeer silent(server.port());
  RawPeer head(server.port());
  RawPeer body(server.port());
  RawPeer chunks(server.port());
  RawPeer idle(server.port());
  head.send("GET / HT");
  body.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  chunks.send(
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na");
  idle.send(get("/"));
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.closed());
  EXPECT_THAT(head.read_all(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(body.read_all(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(chunks.read_all(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(idle.read_all(), EndsWith("GET / []"));
  EXPECT_TRUE(idle.closed());
}

// A byte now and then does not keep a body waiting for ever.
TEST(Http1, BodiesThatTrickleTimeOut) {
  ListenerOptions options;
  options.limits.body_timeout = std::chrono::milliseconds(300);
  options.limits.request_timeout = std::chrono::milliseconds(600);
  TestServer server(&echo, options);
  const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string rest :
       {"Content-Length: 1000\r\n\r\n", "Content-Length: 100000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"}) {
    RawPeer peer(server.port());
    peer.send(head + rest);
    const auto start = std::chrono::steady_clock::now();
    const auto passed = [&] {
      return std::chrono::steady_clock::now() - start;
    };
    while (passed() < std::chrono::milliseconds(500)) {
      ASSERT_TRUE(peer.send("x")) << rest;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_THAT(peer.read_answer(), StartsWith("HTTP/1.1 408 ")) << rest;
    EXPECT_LT(passed(), std::chrono::milliseconds(2000)) << rest;
  }
}

TEST(Http1, AnswersThatAreNotTakenAreBounded) {
  ListenerOptions options;
  options.limits.buffered_bytes_total = 3 << 20;
  TestServer server(
      [](Exchange& exchange) {
        exchange.response().body.assign(
            exchange.request().target == "/large" ? 8 << 20 : 1, 'x');
      },
      options);
  // More than the sockets take, so that it waits in the server, or would.
  RawPeer peer(server.port());
  peer.send(get("/large"));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(peer.read_all().size(), std::size_t{8} << 20);
  EXPECT_TRUE(peer.closed());
  // What was held is given back.
  RawPeer next(server.port());
  next.send(get("/"));
  EXPECT_THAT(next.read_answer(), EndsWith("\r\n\r\nx"));
}

TEST(Http1, APeerThatDoesNotReadIsHeldBackAndThenCut) {
  std::atomic<int> handled{0};
  ListenerOptions options;
  options.limits.body_timeout = std::chrono::milliseconds(300);
  TestServer server(
      [&handled](Exchange& exchange) {
        ++handled;
        exchange.response().body.assign(1 << 20, 'x');
      },
      options);
  RawPeer peer(server.port());
  std::string burst;
  for (int i = 0; i < 200; ++i) burst += get("/");
  peer.send(burst);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(handled, 50);
  const auto before = handled.load();
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  EXPECT_EQ(handled, before);
  EXPECT_LT(peer.read_all().size(), std::size_t{50} << 20);
  EXPECT_TRUE(peer.closed());
}

TEST(Http1, WhenATurnMayNotBeSentItsAnswersAreErrors) {
  TestServer server(&echo);
  server.before_send_ok = false;
  RawPeer peer(server.port());
  peer.send(get("/secret") + "HEAD /secret HTTP/1.1\r\nHost: a\r\n\r\n" +
            post("/", std::string(100000, 's')));
  const std::string_view body = "{\"errors\":[\"internal error\"]}\n";
  auto answer = peer.read_answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_TRUE(answer.ends_with(body));
  answer = peer.read_answer(true);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  answer = peer.read_answer();
  EXPECT_TRUE(answer.ends_with(body));
  EXPECT_THAT(answer, Not(HasSubstr("sss")));
  server.before_send_ok = true;
  peer.send(get("/again"));
  EXPECT_THAT(peer.read_answer(), EndsWith("GET /again []"));
}

}  // namespace
}  // namespace bulla::net
