#include "net/tls.h"

#include <curl/curl.h>
#include <gmock/gmock.h>

#include <fstream>

#include "net/client.h"
#include "net/test_certificates.h"
#include "net/test_server.h"

namespace bulla::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Tls : public testing::Test {
 protected:
  Tls() { options_.tls.emplace(); }

  ListenerOptions options() {
    options_.tls->cert_file = server_certificate_.cert_file;
    options_.tls->key_file = server_certificate_.key_file;
    return options_;
  }
  ClientRequest request(const TestServer& server, const std::string& path) {
    ClientRequest request;
    request.url = server.url(path, true);
    request.ca_file = server_certificate_.cert_file;
    return request;
  }

  TestCertificates certificates_;
  TestCertificate server_certificate_ = certificates_.make("localhost");
  ListenerOptions options_;
  HttpClient client_;
};

TEST_F(Tls, AnswersAndKeepsTheConnection) {
  std::uint16_t port = 0;
  TestServer server(
      [&port](Exchange& exchange) {
        const auto* peer = exchange.request().peer;
        EXPECT_TRUE(peer->tls);
        EXPECT_TRUE(peer->client_certificate.empty());
        EXPECT_TRUE(port == 0 || port == peer->port);
        port = peer->port;
        echo(exchange);
      },
      options());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client_.send(request(server, "/tls"));
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->body, "GET /tls []");
  }
}

TEST_F(Tls, LargeBodiesGoBothWaysOnBothProtocols) {
  TestServer server(
      [](Exchange& exchange) {
        exchange.response().body.assign(exchange.request().body);
        exchange.response().headers.emplace_back(
            "X-Major", std::to_string(exchange.request().http_major));
      },
      options());
  for (const std::size_t size : {1UL, 16384UL, 100000UL, 3000000UL}) {
    auto sent = request(server, "/");
    sent.method = "POST";
    sent.body.assign(size, 'b');
    sent.body.back() = 'e';
    const auto answer = client_.send(sent);
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_TRUE(answer->body == sent.body);
    EXPECT_EQ(answer->header("x-major"), "2");  // curl offers it by ALPN.
  }
}

TEST_F(Tls, ClientCertificatesAreRequiredAndVerified) {
  const auto ca = certificates_.make("client-ca");
  const auto good = certificates_.make("good", &ca);
  const auto bad = certificates_.make("bad");
  options_.tls->client_ca_file = ca.cert_file;
  options_.tls->require_and_verify_client_cert = true;
  std::vector<std::uint8_t> der;
  bool verified = false;
  TestServer server(
      [&](Exchange& exchange) {
        der = exchange.request().peer->client_certificate;
        verified = exchange.request().peer->client_certificate_verified;
      },
      options());
  auto sent = request(server, "/");
  EXPECT_FALSE(client_.send(sent).has_value());
  sent.client_cert = bad.cert_file;
  sent.client_key = bad.key_file;
  EXPECT_FALSE(client_.send(sent).has_value());
  EXPECT_TRUE(der.empty());
  sent.client_cert = good.cert_file;
  sent.client_key = good.key_file;
  const auto answer = client_.send(sent);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_TRUE(verified);
  std::vector<std::uint8_t> expected(
      static_cast<std::size_t>(i2d_X509(good.x509.get(), nullptr)));
  auto* out = expected.data();
  i2d_X509(good.x509.get(), &out);
  EXPECT_EQ(der, expected);
}

TEST_F(Tls, ClientCertificatesThatAreOnlyAskedForSayWhetherTheyVerified) {
  const auto ca = certificates_.make("client-ca");
  const auto good = certificates_.make("good", &ca);
  const auto bad = certificates_.make("bad");
  options_.tls->client_ca_file = ca.cert_file;
  TestServer server(
      [](Exchange& exchange) {
        const auto* peer = exchange.request().peer;
        exchange.response().body = peer->client_certificate.empty() ? "none"
                                   : peer->client_certificate_verified
                                       ? "verified"
                                       : "unverified";
      },
      options());
  const auto body = [&](const TestCertificate* certificate) {
    auto sent = request(server, "/");
    if (certificate != nullptr) {
      sent.client_cert = certificate->cert_file;
      sent.client_key = certificate->key_file;
    }
    const auto answer = client_.send(sent);
    return answer ? answer->body : answer.error().message();
  };
  EXPECT_EQ(body(nullptr), "none");
  EXPECT_EQ(body(&good), "verified");
  EXPECT_EQ(body(&bad), "unverified");
}

TEST_F(Tls, ReloadTakesNewFilesAndKeepsTheOldOnesOnAnError) {
  TestServer server(&echo, options());
  const auto old = server_certificate_;
  ASSERT_TRUE(client_.send(request(server, "/")).has_value());
  std::ofstream(old.cert_file) << "not a certificate";
  const auto failed = server.server().reload_tls();
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(failed.error().message(), HasSubstr(old.cert_file));

  auto next = certificates_.make("localhost");
  TestCertificates::write(old);
  HttpClient second;
  EXPECT_TRUE(second.send(request(server, "/")).has_value());
  const auto next_ca = next.cert_file;
  next.cert_file = old.cert_file;
  next.key_file = old.key_file;
  TestCertificates::write(next);
  ASSERT_TRUE(server.server().reload_tls().has_value());
  HttpClient third;
  auto sent = request(server, "/");
  sent.ca_file = next_ca;
  const auto answer = third.send(sent);
  EXPECT_TRUE(answer.has_value()) << answer.error().message();
  // Connections of before go on.
  sent.ca_file = old.cert_file;
  EXPECT_TRUE(client_.send(request(server, "/")).has_value());
}

TEST_F(Tls, PlainHttpAndGarbageDoNotStopIt) {
  TestServer server(&echo, options());
  RawPeer plain(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(plain.read_all(), StartsWith("HTTP/1.0 400 Bad Request\r\n"));
  RawPeer garbage(server.port());
  garbage.send(std::string(2000, '\x16'));
  garbage.read_all();
  EXPECT_TRUE(garbage.closed());
  RawPeer reset(server.port());
  reset.send("\x16\x03\x01");
  reset.reset();
  EXPECT_TRUE(client_.send(request(server, "/")).has_value());
}

TEST_F(Tls, HandshakesTimeOut) {
  options_.limits.header_timeout = std::chrono::milliseconds(100);
  TestServer server(&echo, options());
  RawPeer silent(server.port());
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.closed());
}

TEST_F(Tls, SessionsAreResumed) {
  TestServer server(&echo, options());
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
      SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_SESSION* session = nullptr;
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT);
  SSL_CTX_set_app_data(context.get(), &session);
  SSL_CTX_sess_set_new_cb(context.get(), [](SSL* ssl, SSL_SESSION* fresh) {
    auto** const kept =
        static_cast<SSL_SESSION**>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    SSL_SESSION_free(*kept);
    *kept = fresh;
    return 1;
  });
  for (const bool resumed : {false, true}) {
    RawPeer peer(server.port());
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()),
                                                        &SSL_free);
    SSL_set_fd(ssl.get(), peer.fd());
    if (session != nullptr) SSL_set_session(ssl.get(), session);
    ASSERT_EQ(SSL_connect(ssl.get()), 1);
    EXPECT_EQ(SSL_session_reused(ssl.get()) == 1, resumed);
    const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    SSL_write(ssl.get(), text.data(), static_cast<int>(text.size()));
    std::array<char, 4096> answer;
    EXPECT_GT(SSL_read(ssl.get(), answer.data(), answer.size()), 0);
    SSL_shutdown(ssl.get());
  }
  SSL_SESSION_free(session);
}

TEST_F(Tls, VersionsAndCipherSuitesAreHeld) {
  options_.tls->min_version = "tls13";
  options_.tls->cipher_suites = {"TLS_AES_128_GCM_SHA256"};
  TestServer server(&echo, options());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), version);
    RawPeer peer(server.port());
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()),
                                                        &SSL_free);
    SSL_set_fd(ssl.get(), peer.fd());
    if (version == TLS1_2_VERSION) {
      EXPECT_NE(SSL_connect(ssl.get()), 1);
      continue;
    }
    ASSERT_EQ(SSL_connect(ssl.get()), 1);
    EXPECT_STREQ(SSL_get_cipher(ssl.get()), "TLS_AES_128_GCM_SHA256");
  }
}

TEST_F(Tls, OptionsThatCannotBeUsedAreNamed) {
  const auto message = [this](auto change) {
    auto tls = *options().tls;
    change(tls);
    const auto made = make_tls_context(tls);
    if (made) return std::string("made");
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    return made.error().message();
  };
  EXPECT_EQ(message([](auto&) {}), "made");
  EXPECT_EQ(message([](auto& o) {
              o.cipher_suites = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                 "ECDHE-ECDSA-AES256-GCM-SHA384",
                                 "TLS_CHACHA20_POLY1305_SHA256"};
            }),
            "made");
  EXPECT_THAT(message([](auto& o) { o.cert_file = "/absent.crt"; }),
              HasSubstr("\"/absent.crt\": No such file"));
  EXPECT_THAT(message([this](auto& o) {
                o.key_file = certificates_.make("other").key_file;
              }),
              HasSubstr("private key file"));
  EXPECT_THAT(message([](auto& o) { o.client_ca_file = "/absent.ca"; }),
              HasSubstr("/absent.ca"));
  EXPECT_THAT(message([](auto& o) { o.min_version = "tls11"; }),
              HasSubstr("tls11"));
  EXPECT_THAT(message([](auto& o) {
                o.min_version = "tls13";
                o.max_version = "tls12";
              }),
              HasSubstr("min_version"));
  EXPECT_THAT(message([](auto& o) { o.cipher_suites = {"NOPE"}; }),
              HasSubstr("NOPE"));
}

}  // namespace
}  // namespace bulla::net
