#include "net/http2.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <poll.h>

#include <map>
#include <mutex>

#include "net/test_server.h"

namespace bulla::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// A client that does what it is told, also what no client should do.
class H2Peer {
 public:
  struct Stream {
    std::map<std::string, std::string> headers;
    std::string body;
    bool closed = false;
    std::uint32_t error = 0;
  };

  explicit H2Peer(std::uint16_t port) : peer_(port) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
                                                              &on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                           &on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &on_frame);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                           1 << 20};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                          1 << 20);
  }
  ~H2Peer() { nghttp2_session_del(session_); }
  H2Peer(const H2Peer&) = delete;
  H2Peer& operator=(const H2Peer&) = delete;

  /// Returns the stream's number. A body that does not `end` stays open.
  std::int32_t submit(const std::string& method, const std::string& path,
                      const std::string& body = {}, bool end = true,
                      const std::map<std::string, std::string>& extra = {}) {
    std::vector<nghttp2_nv> headers = {nv(":method", method), nv(":path", path),
                                       nv(":scheme", "http"),
                                       nv(":authority", "bulla")};
    for (const auto& [name, value] : extra) headers.push_back(nv(name, value));
    auto& source =
        sources_.emplace_back(std::make_unique<Source>(Source{body, 0, end}));
    nghttp2_data_provider provider;
    provider.source.ptr = source.get();
    provider.read_callback = &read_body;
    const bool has_body = !body.empty() || !end;
    return nghttp2_submit_request(session_, nullptr, headers.data(),
                                  headers.size(),
                                  has_body ? &provider : nullptr, nullptr);
  }
  nghttp2_session* session() { return session_; }
  /// Grants the server no room for the bodies of answers.
  void close_windows() {
    const nghttp2_settings_entry none = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                         0};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &none, 1);
    run_until([done = 0]() mutable { return ++done > 3; });
  }
  /// For `time`, a ping every 20 ms, and what `also` does.
  template <typename Also>
  void keep_alive(std::chrono::milliseconds time, Also also) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!closed_ && std::chrono::steady_clock::now() < end) {
      nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
      also();
      std::this_thread::sleep_for(20ms);
      run_until([done = 0]() mutable { return ++done > 1; });
    }
  }
  RawPeer& raw() { return peer_; }

  bool flush() {
    for (;;) {
      const std::uint8_t* bytes = nullptr;
      const auto n = nghttp2_session_mem_send(session_, &bytes);
      if (n <= 0) return true;
      if (!peer_.send({reinterpret_cast<const char*>(bytes),
                       static_cast<std::size_t>(n)})) {
        return false;
      }
    }
  }
  /// Exchanges frames until `done`, the server closes, or 5 s have passed.
  template <typename Done>
  bool run_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!done() && !closed_ && std::chrono::steady_clock::now() < end) {
      flush();
      pollfd wait{peer_.fd(), POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      std::array<std::uint8_t, 65536> bytes;
      const auto n = ::recv(peer_.fd(), bytes.data(), bytes.size(), 0);
      if (n <= 0) {
        closed_ = true;
        break;
      }
      nghttp2_session_mem_recv(session_, bytes.data(),
                               static_cast<std::size_t>(n));
    }
    return done();
  }
  Stream& wait(std::int32_t stream) {
    run_until([&] { return streams[stream].closed; });
    return streams[stream];
  }
  bool closed() const { return closed_; }

  std::map<std::int32_t, Stream> streams;
  bool goaway = false;
  std::uint32_t goaway_error = 0;

 private:
  struct Source {
    std::string body;
    std::size_t sent;
    bool end;
  };

  static nghttp2_nv nv(std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(), 0};
  }
  static Stream& stream(void* user, std::int32_t id) {
    return static_cast<H2Peer*>(user)->streams[id];
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame,
                       const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    stream(user, frame->hd.stream_id)
        .headers[std::string(name, name + name_size)] =
        std::string(value, value + value_size);
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* user) {
    stream(user, id).body.append(data, data + size);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error,
                      void* user) {
    stream(user, id).closed = true;
    stream(user, id).error = error;
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame,
                      void* user) {
    if (frame->hd.type != NGHTTP2_GOAWAY) return 0;
    static_cast<H2Peer*>(user)->goaway = true;
    static_cast<H2Peer*>(user)->goaway_error = frame->goaway.error_code;
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* into,
                           std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto& from = *static_cast<Source*>(source->ptr);
    const auto n = std::min(room, from.body.size() - from.sent);
    if (n == 0 && !from.end) return NGHTTP2_ERR_DEFERRED;
    from.body.copy(reinterpret_cast<char*>(into), n, from.sent);
    from.sent += n;
    if (from.end && from.sent == from.body.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return static_cast<ssize_t>(n);
  }

  RawPeer peer_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<Source>> sources_;
  bool closed_ = false;
};

TEST(Http2, GivesTheRequestAsItWasSent) {
  TestServer server([](Exchange& exchange) {
    const auto& request = exchange.request();
    EXPECT_EQ(request.http_major, 2);
    EXPECT_EQ(request.method, Method::kPost);
    EXPECT_EQ(request.header("host"), "bulla");
    EXPECT_EQ(request.header("X-Vault-Token"), "s.1");
    for (const auto& header : request.headers) {
      EXPECT_NE(header.name.front(), ':');
    }
    const volatile char* body = request.body.data();
    for (std::size_t i = 0; i < kBodyPadding; ++i) {
      static_cast<void>(body[request.body.size() + i]);
    }
    echo(exchange);
    exchange.response().headers.emplace_back("X-Upper", "a\nb");
  });
  H2Peer peer(server.port());
  auto& answer = peer.wait(
      peer.submit("POST", "/v1/a?b=c", "{}", true, {{"x-vault-token", "s.1"}}));
  EXPECT_EQ(answer.body, "POST /v1/a?b=c [{}]");
  EXPECT_EQ(answer.headers[":status"], "200");
  EXPECT_EQ(answer.headers["content-type"], "text/plain");
  EXPECT_EQ(answer.headers["content-length"], "19");
  EXPECT_EQ(answer.headers["cache-control"], "no-store");
  EXPECT_EQ(answer.headers["x-upper"], "a b");
}

TEST(Http2, ManyStreamsAtOnceAreAnsweredInFewTurns) {
  TestServer server(&echo);
  H2Peer peer(server.port());
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(peer.submit("PUT", "/", std::to_string(i)));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(peer.wait(streams[static_cast<std::size_t>(i)]).body,
              "PUT / [" + std::to_string(i) + "]");
  }
  EXPECT_LT(server.turns, 30);
}

TEST(Http2, BodiesOfEverySizeGoBothWays) {
  TestServer server([](Exchange& exchange) {
    exchange.response().body.assign(exchange.request().body);
  });
  H2Peer peer(server.port());
  for (const std::size_t size : {1UL, 16384UL, 70000UL, 1000000UL, 3000000UL}) {
    const std::string body(size, 'b');
    EXPECT_TRUE(peer.wait(peer.submit("PUT", "/", body)).body == body) << size;
  }
}

TEST(Http2, HeadAndEmptyAnswersHaveNoBody) {
  TestServer server([](Exchange& exchange) {
    exchange.response().body = "12345";
    if (exchange.request().target == "/none") exchange.response().status = 204;
  });
  H2Peer peer(server.port());
  auto& head = peer.wait(peer.submit("HEAD", "/"));
  EXPECT_EQ(head.headers["content-length"], "5");
  EXPECT_EQ(head.body, "");
  auto& none = peer.wait(peer.submit("GET", "/none"));
  EXPECT_EQ(none.headers[":status"], "204");
  EXPECT_EQ(none.headers.count("content-length"), 0U);
}

TEST(Http2, LimitsAreHeldByStream) {
  ListenerOptions options;
  options.limits.body_bytes = 100000;
  options.limits.header_bytes = 8000;
  TestServer server(&echo, options);
  H2Peer peer(server.port());
  const auto large = peer.submit("PUT", "/", std::string(300000, 'x'));
  EXPECT_EQ(peer.wait(large).headers[":status"], "413");
  EXPECT_EQ(peer.streams[large].body,
            "{\"errors\":[\"http: request body too large\"]}\n");
  const auto header =
      peer.submit("GET", "/", "", true, {{"x-long", std::string(9000, 'h')}});
  EXPECT_EQ(peer.wait(header).headers[":status"], "431");
  std::map<std::string, std::string> many;
  for (std::size_t i = 0; i <= kHeadersMax; ++i) {
    many["x-" + std::to_string(i)] = "v";
  }
  EXPECT_EQ(
      peer.wait(peer.submit("GET", "/", "", true, many)).headers[":status"],
      "431");
  EXPECT_EQ(peer.wait(peer.submit("PUT", "/", "still")).body, "PUT / [still]");
}

TEST(Http2, StreamsOverTheLimitAreRefused) {
  std::atomic<int> handled{0};
  std::mutex mutex;
  std::vector<Exchange*> held;
  ListenerOptions options;
  options.limits.h2_streams = 10;
  TestServer server(
      [&](Exchange& exchange) {
        exchange.detach();
        const std::lock_guard lock(mutex);
        held.push_back(&exchange);
        ++handled;
      },
      options);
  H2Peer peer(server.port());
  // Streams that are reset still count while they are worked on.
  for (int i = 0; i < 100; ++i) {
    const auto stream = peer.submit("GET", "/");
    peer.flush();
    nghttp2_submit_rst_stream(peer.session(), NGHTTP2_FLAG_NONE, stream,
                              NGHTTP2_CANCEL);
    peer.flush();
  }
  EXPECT_TRUE(eventually([&] { return handled == 10; }));
  // The last of them has been seen, and refused, once this one is.
  const auto last = peer.submit("GET", "/");
  EXPECT_EQ(peer.wait(last).error, std::uint32_t{NGHTTP2_REFUSED_STREAM});
  EXPECT_EQ(handled, 10);
  const std::lock_guard lock(mutex);
  for (auto* exchange : held) exchange->complete();
}

TEST(Http2, FloodsOfResetsEndTheConnection) {
  TestServer server(&echo);
  H2Peer peer(server.port());
  for (int i = 0; i < 2000; ++i) {
    const auto stream = peer.submit("GET", "/");
    if (stream < 0 || !peer.flush()) break;
    nghttp2_submit_rst_stream(peer.session(), NGHTTP2_FLAG_NONE, stream,
                              NGHTTP2_CANCEL);
    if (!peer.flush()) break;
  }
  peer.run_until([] { return false; });
  EXPECT_TRUE(peer.closed());
  H2Peer next(server.port());
  EXPECT_EQ(next.wait(next.submit("GET", "/")).body, "GET / []");
}

TEST(Http2, DetachedExchangesOutliveStreamAndConnection) {
  std::mutex mutex;
  std::vector<Exchange*> held;
  TestServer server([&](Exchange& exchange) {
    if (exchange.request().target == "/now") return echo(exchange);
    exchange.detach();
    const std::lock_guard lock(mutex);
    held.push_back(&exchange);
  });
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return held.size();
  };
  const auto complete_all = [&] {
    const std::lock_guard lock(mutex);
    for (auto* exchange : held) {
      echo(*exchange);
      exchange->complete();
    }
    held.clear();
  };
  {
    H2Peer peer(server.port());
    const auto late = peer.submit("PUT", "/late", "body");
    EXPECT_EQ(peer.wait(peer.submit("GET", "/now")).body, "GET /now []");
    ASSERT_TRUE(eventually([&] { return count() == 1; }));
    std::thread(complete_all).join();
    EXPECT_EQ(peer.wait(late).body, "PUT /late [body]");

    const auto reset = peer.submit("PUT", "/reset", "body");
    peer.flush();
    ASSERT_TRUE(eventually([&] { return count() == 1; }));
    nghttp2_submit_rst_stream(peer.session(), NGHTTP2_FLAG_NONE, reset,
                              NGHTTP2_CANCEL);
    EXPECT_EQ(peer.wait(peer.submit("GET", "/now")).body, "GET /now []");
    complete_all();
    EXPECT_EQ(peer.wait(peer.submit("GET", "/now")).body, "GET /now []");

    peer.submit("PUT", "/dropped", std::string(100000, 'x'));
    peer.run_until([&] { return count() == 1; });
    peer.raw().reset();
  }
  std::this_thread::sleep_for(20ms);
  ASSERT_EQ(count(), 1U);
  complete_all();
  H2Peer next(server.port());
  EXPECT_EQ(next.wait(next.submit("GET", "/now")).body, "GET /now []");
}

TEST(Http2, WhenATurnMayNotBeSentItsAnswersAreErrors) {
  TestServer server(&echo);
  server.before_send_ok = false;
  H2Peer peer(server.port());
  const auto stream = peer.submit("PUT", "/secret", "secret");
  EXPECT_EQ(peer.wait(stream).headers[":status"], "500");
  EXPECT_EQ(peer.streams[stream].body, "{\"errors\":[\"internal error\"]}\n");
}

TEST(Http2, AsksForTheBody) {
  TestServer server(&echo);
  H2Peer peer(server.port());
  const auto stream =
      peer.submit("PUT", "/", "", false, {{"expect", "100-continue"}});
  EXPECT_TRUE(peer.run_until(
      [&] { return peer.streams[stream].headers[":status"] == "100"; }));
}

TEST(Http2, StopSaysGoawayAndAnswersWhatIsInFlight) {
  std::atomic<Exchange*> held{nullptr};
  TestServer server([&held](Exchange& exchange) {
    exchange.detach();
    held = &exchange;
  });
  H2Peer idle(server.port());
  idle.run_until([&] {
    return nghttp2_session_get_remote_settings(
               idle.session(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) == 256;
  });
  H2Peer busy(server.port());
  const auto stream = busy.submit("GET", "/");
  busy.flush();
  ASSERT_TRUE(eventually([&] { return held.load() != nullptr; }));
  server.server().stop(10s);
  EXPECT_TRUE(busy.run_until([&] { return busy.goaway; }));
  EXPECT_TRUE(idle.run_until([&] { return idle.goaway; }));
  idle.run_until([] { return false; });
  EXPECT_TRUE(idle.closed());
  held.load()->complete();
  EXPECT_EQ(busy.wait(stream).headers[":status"], "200");
  EXPECT_EQ(busy.goaway_error, std::uint32_t{NGHTTP2_NO_ERROR});
  busy.run_until([] { return false; });
  EXPECT_TRUE(busy.closed());
}

TEST(Http2, SlowAndIdlePeersTimeOut) {
  ListenerOptions options;
  options.limits.header_timeout = 100ms;
  options.limits.body_timeout = 100ms;
  options.limits.idle_timeout = 300ms;
  TestServer server(&echo, options);
  H2Peer idle(server.port());
  EXPECT_EQ(idle.wait(idle.submit("GET", "/")).body, "GET / []");
  H2Peer body(server.port());
  body.submit("PUT", "/", "half", false);
  body.run_until([] { return false; });
  EXPECT_TRUE(body.closed());
  idle.run_until([] { return false; });
  EXPECT_TRUE(idle.closed());
  RawPeer head(server.port());
  head.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  head.send(std::string("\0\0\0\4\0\0\0\0\0", 9));        // SETTINGS
  head.send(std::string("\0\0\20\1\4\0\0\0\1\x82", 10));  // part of HEADERS
  head.read_all();
  EXPECT_TRUE(head.closed());
}

// Pings, and other streams, do not keep a stream that stands still.
TEST(Http2, StreamsThatStandStillTimeOut) {
  ListenerOptions options;
  options.limits.body_timeout = 200ms;
  TestServer server(&echo, options);
  H2Peer peer(server.port());
  const auto slow = peer.submit("PUT", "/", "half", false);
  peer.keep_alive(600ms, [] {});
  EXPECT_FALSE(peer.closed());
  EXPECT_EQ(peer.streams[slow].headers[":status"], "408");
  EXPECT_EQ(peer.wait(peer.submit("GET", "/")).body, "GET / []");
}

TEST(Http2, BodiesThatTrickleTimeOut) {
  ListenerOptions options;
  options.limits.body_timeout = 300ms;
  options.limits.request_timeout = 600ms;
  TestServer server(&echo, options);
  RawPeer peer(server.port());
  peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  peer.send(std::string("\0\0\0\4\0\0\0\0\0", 9));  // SETTINGS
  // PUT / http bulla, to be continued by DATA of one byte each.
  const std::string block =
      "\x42\x03PUT\x84\x86\x41\x05"
      "bulla";
  peer.send(std::string("\0\0", 2) + static_cast<char>(block.size()) +
            std::string("\1\4\0\0\0\1", 6) + block);
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < 1000ms) {
    peer.send(std::string("\0\0\1\0\0\0\0\0\1x", 10));
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_THAT(peer.read_until("timed out"), HasSubstr("request timed out"));
}

TEST(Http2, AnswersThatAreNotTakenAreDropped) {
  ListenerOptions options;
  options.limits.body_timeout = 200ms;
  TestServer server(&echo, options);
  H2Peer peer(server.port());
  peer.close_windows();
  const auto still = peer.submit("GET", "/still");
  peer.keep_alive(600ms, [] {});
  EXPECT_FALSE(peer.closed());
  EXPECT_TRUE(peer.streams[still].closed);
  EXPECT_EQ(peer.streams[still].error, std::uint32_t{NGHTTP2_CANCEL});
}

// Nor does taking a byte now and then keep an answer for ever.
TEST(Http2, AnswersThatAreTakenInATrickleAreDropped) {
  ListenerOptions options;
  options.limits.body_timeout = 300ms;
  TestServer server(&echo, options);
  RawPeer peer(server.port());
  peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  // SETTINGS with an initial window of 0; GET / http bulla.
  peer.send(std::string("\0\0\6\4\0\0\0\0\0\0\4\0\0\0\0", 15));
  peer.send(
      std::string("\0\0\12\1\5\0\0\0\1\x82\x84\x86\x41\x05"
                  "bulla",
                  19));
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < 700ms) {
    peer.send(std::string("\0\0\4\x8\0\0\0\0\1\0\0\0\1", 13));
    std::this_thread::sleep_for(100ms);
  }
  const std::string cancel("\0\0\4\3\0\0\0\0\1\0\0\0\x8", 13);
  const auto answer = peer.read_until(cancel);
  EXPECT_THAT(answer, EndsWith(cancel));
  EXPECT_THAT(answer, testing::Not(HasSubstr("]")));  // "GET / []"
}

// Neither streams nor answers without end, whatever windows a peer grants.
TEST(Http2, WhatWaitsIsBounded) {
  constexpr std::size_t kAnswer = 256 << 10;
  ListenerOptions options;
  options.limits.buffered_bytes_total = 2 << 20;
  std::atomic<int> handled{0};
  TestServer server(
      [&](Exchange& exchange) {
        ++handled;
        exchange.response().body.assign(kAnswer, 'x');
      },
      options);
  H2Peer peer(server.port());
  peer.close_windows();
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(peer.submit("GET", "/"));
  peer.run_until([&] { return handled == 20; });
  peer.keep_alive(200ms, [] {});
  int held = 0;
  for (const auto stream : streams) {
    held += peer.streams[stream].headers[":status"] == "200" ? 1 : 0;
  }
  EXPECT_GE(held, 4);
  EXPECT_LT(held, 8);
}

TEST(Http2, OpenStreamsAreBounded) {
  ListenerOptions options;
  options.limits.buffered_bytes_total = 256 << 10;
  TestServer server(&echo, options);
  H2Peer peer(server.port());
  std::int32_t last = 0;
  for (int i = 0; i < 100; ++i) last = peer.submit("PUT", "/", "a", false);
  EXPECT_EQ(peer.wait(last).error, std::uint32_t{NGHTTP2_REFUSED_STREAM});
  EXPECT_FALSE(peer.closed());
}

TEST(Http2, GarbageEndsTheConnectionOnly) {
  TestServer server(&echo);
  for (const std::string& text :
       {std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") +
            std::string(1000, '\xff'),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")}) {
    RawPeer peer(server.port());
    peer.send(text);
    peer.read_all();
    EXPECT_TRUE(peer.closed());
  }
  H2Peer next(server.port());
  EXPECT_EQ(next.wait(next.submit("GET", "/")).body, "GET / []");
}

TEST(Http2, ThePrefaceMayArriveInPieces) {
  TestServer server(&echo);
  RawPeer peer(server.port());
  const std::string preface =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9);
  for (const char c : preface) {
    peer.send({&c, 1});
    std::this_thread::sleep_for(200us);
  }
  // The server's SETTINGS: 3 entries of 6 bytes, type 4.
  EXPECT_EQ(peer.read_until(std::string("\0\0\22\4", 4)).size(), 4U);
}

TEST(Http2, CurlSpeaksItByPriorKnowledge) {
  TestServer server(&echo);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(
      curl_easy_init(), &curl_easy_cleanup);
  std::string body;
  curl_easy_setopt(curl.get(), CURLOPT_URL, server.url("/curl").c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTP_VERSION,
                   long{CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE});
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, "data");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(
      curl.get(), CURLOPT_WRITEFUNCTION,
      +[](char* data, std::size_t, std::size_t size, void* user) {
        static_cast<std::string*>(user)->append(data, size);
        return size;
      });
  ASSERT_EQ(curl_easy_perform(curl.get()), CURLE_OK);
  EXPECT_EQ(body, "POST /curl [data]");
}

}  // namespace
}  // namespace bulla::net
