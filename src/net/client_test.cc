#include "net/client.h"

#include <gmock/gmock.h>

#include "net/test_certificates.h"
#include "net/test_server.h"

namespace bulla::net {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Client, SendsWhatItWasGiven) {
  std::string headers;
  TestServer server([&headers](Exchange& exchange) {
    for (const auto& header : exchange.request().headers) {
      headers +=
          std::string(header.name) + "=" + std::string(header.value) + ";";
    }
    echo(exchange);
    exchange.response().status = 404;
    exchange.response().headers.emplace_back("X-Answer", "a");
  });
  HttpClient client;
  ClientRequest request;
  request.method = "LIST";
  request.url = server.url("/v1/a?b=c");
  request.headers = {{"X-Vault-Token", "s.1"}, {"X-Empty", ""}};
  const auto answer = client.send(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "LIST /v1/a?b=c []");
  EXPECT_EQ(answer->header("x-answer"), "a");
  EXPECT_EQ(answer->header("absent"), "");
  EXPECT_THAT(headers, HasSubstr("X-Vault-Token=s.1;"));
  EXPECT_THAT(headers, HasSubstr("X-Empty=;"));
  EXPECT_THAT(headers, Not(HasSubstr("Content-Type")));
}

TEST(Client, SendsEveryMethodOverOneConnection) {
  std::uint16_t port = 0;
  TestServer server([&port](Exchange& exchange) {
    EXPECT_TRUE(port == 0 || port == exchange.request().peer->port);
    port = exchange.request().peer->port;
    echo(exchange);
  });
  HttpClient client;
  for (const std::string method :
       {"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "LIST", "POST"}) {
    ClientRequest request;
    request.method = method;
    request.url = server.url("/");
    if (method == "PUT" || method == "PATCH") request.body = "body";
    const auto answer = client.send(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->body,
              method == "HEAD" ? "" : method + " / [" + request.body + "]");
  }
}

TEST(Client, FollowsOneRedirectWhenAsked) {
  TestServer* other = nullptr;
  TestServer server([&other](Exchange& exchange) {
    const auto target = exchange.request().target;
    if (target == "/end") return echo(exchange);
    exchange.response().status = 307;
    exchange.response().headers.emplace_back(
        "Location", other->url(target == "/once" ? "/end" : "/twice"));
  });
  other = &server;
  HttpClient client;
  ClientRequest request;
  request.method = "PUT";
  request.url = server.url("/once");
  request.body = "kept";
  EXPECT_EQ(client.send(request)->status, 307);
  request.follow_redirect = true;
  EXPECT_EQ(client.send(request)->body, "PUT /end [kept]");
  request.url = server.url("/twice");
  const auto answer = client.send(request);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
}

TEST(Client, FaultsAreNamedWithoutHeaderValues) {
  HttpClient client;
  ClientRequest request;
  request.headers = {{"X-Vault-Token", "secret"}};
  const auto failure = [&](const std::string& url) {
    request.url = url;
    const auto answer = client.send(request);
    EXPECT_FALSE(answer.has_value());
    EXPECT_THAT(answer.error().message(), Not(HasSubstr("secret")));
    return answer.error();
  };
  std::string closed;
  {
    TestServer server(&echo);
    closed = server.url("/");
  }
  EXPECT_EQ(failure(closed).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(failure("not a url").code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure("file:///etc/passwd").code(), ErrorCode::kInvalidArgument);
  request.headers = {{"X-Vault-Token", "secret\r\nX: y"}};
  EXPECT_EQ(failure(closed).code(), ErrorCode::kInvalidArgument);
}

TEST(Client, BoundsTimeAndSize) {
  std::atomic<Exchange*> held{nullptr};
  TestServer server([&held](Exchange& exchange) {
    if (exchange.request().target == "/large") {
      exchange.response().body.assign(100001, 'x');
      return;
    }
    exchange.detach();
    held = &exchange;
  });
  HttpClient client;
  ClientRequest request;
  request.url = server.url("/large");
  request.answer_bytes = 100000;
  const auto large = client.send(request);
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code(), ErrorCode::kTooLarge);
  request.answer_bytes = 100001;
  EXPECT_EQ(client.send(request)->body.size(), 100001U);
  request.url = server.url("/never");
  request.timeout = std::chrono::milliseconds(100);
  const auto late = client.send(request);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::kUnavailable);
  held.load()->complete();
}

TEST(Client, VerifiesTheServer) {
  TestCertificates certificates;
  const auto certificate = certificates.make("bulla.example");
  ListenerOptions options;
  options.tls.emplace();
  options.tls->cert_file = certificate.cert_file;
  options.tls->key_file = certificate.key_file;
  TestServer server(&echo, options);
  ClientRequest request;
  request.url = server.url("/", true);
  const auto failure = [&request] {
    HttpClient client;
    const auto answer = client.send(request);
    if (answer) return std::string();
    EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
    return answer.error().message();
  };
  EXPECT_NE(failure(), "");
  request.skip_verify = true;
  EXPECT_EQ(failure(), "");
  request.skip_verify = false;
  request.ca_file = certificate.cert_file;
  EXPECT_EQ(failure(), "");
  request.server_name = "bulla.example";
  EXPECT_EQ(failure(), "");
  request.server_name = "other.example";
  EXPECT_NE(failure(), "");
}

TEST(Client, SpeaksHttp2OverOneConnection) {
  std::uint16_t port = 0;
  const std::string large(std::size_t{3} << 20, 'v');
  TestServer server([&](Exchange& exchange) {
    EXPECT_TRUE(port == 0 || port == exchange.request().peer->port);
    port = exchange.request().peer->port;
    exchange.response().body = large;
  });
  HttpClient client;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    ClientRequest request;
    request.method = "POST";
    request.url = server.url("/");
    request.body = "body";
    request.http2 = true;
    const auto answer = client.send(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->body, large);
  }
  // No pause within a long answer.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

// The connection that was kept has ended: a new one begins with HTTP/2 again.
TEST(Client, SpeaksHttp2ToAServerThatComesBack) {
  HttpClient client;
  ClientRequest request;
  request.method = "POST";
  request.http2 = true;
  ListenerOptions options;
  for (int i = 0; i < 3; ++i) {
    TestServer server(echo, options);
    options.address = server.address();
    request.url = server.url("/a");
    const auto answer = client.send(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->body, "POST /a []");
    server.stop();
  }
}

TEST(Client, ReadsAStream) {
  TestServer server([](Exchange& exchange) {
    if (exchange.request().target == "/empty") return;
    exchange.response().body = std::string(100'000, 'v');
  });
  HttpStream stream;
  ClientRequest request;
  request.method = "POST";
  request.url = server.url("/");
  request.http2 = true;
  request.timeout = std::chrono::milliseconds(0);
  ASSERT_TRUE(stream.open(request));
  std::string all;
  Result<std::string> part = std::string();
  while (part) {
    part = stream.read(std::chrono::seconds(5));
    if (part) all += *part;
  }
  EXPECT_EQ(all, std::string(100'000, 'v'));
  EXPECT_EQ(part.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(stream.response().status, 200);

  HttpStream nobody;
  request.url = "http://127.0.0.1:1/";
  ASSERT_TRUE(nobody.open(request));
  EXPECT_EQ(nobody.read(std::chrono::seconds(5)).error().code(),
            ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace bulla::net
