#include "net/http2.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "net/http2_callbacks.h"
#include "net/response_writer.h"

namespace bulla::net {
namespace {

constexpr std::uint32_t kStreamWindow = std::uint32_t{256} << 10;
constexpr std::int32_t kConnectionWindow = std::int32_t{1} << 20;

// What an open stream is taken to hold beside a long head, body or answer.
constexpr std::size_t kStreamBytes = 4096;
// How slowly a peer may take an answer: so much time does a byte win it.
constexpr std::chrono::milliseconds kTimeForAByte{1};

std::uint32_t setting(std::size_t value) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(value, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace

std::unique_ptr<Http2Session> Http2Session::create(Connection& connection) {
  std::unique_ptr<Http2Session> session(new Http2Session(connection));
  if (!session->start()) return nullptr;
  return session;
}

bool Http2Session::start() {
  session_ = Http2Callbacks::new_session(this);
  if (session_ == nullptr) return false;
  const auto& limits = connection_.limits();
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.h2_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, setting(limits.header_bytes)},
  }};
  const bool ok =
      nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(),
                              settings.size()) == 0 &&
      nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                            kConnectionWindow) == 0;
  if (!ok) return false;
  connection_.set_deadline(limits.idle_timeout);
  connection_.touch();
  return true;
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

bool Http2Session::wants_input() const {
  return !connection_.finishing() && !connection_.backlogged();
}

std::span<char> Http2Session::input_space() {
  return connection_.loop().scratch();
}

void Http2Session::on_input(std::size_t bytes) {
  take({connection_.loop().scratch().data(), bytes});
}

void Http2Session::take(std::string_view bytes) {
  const auto taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
      bytes.size());
  if (taken < 0) return connection_.finish();
  update_deadline();
  if (nghttp2_session_want_write(session_) != 0) connection_.touch();
  finish_if_done();
}

void Http2Session::update_deadline() {
  const auto& limits = connection_.limits();
  if (in_head_) return;  // Set when the head began.
  if (streams_.empty()) return connection_.set_deadline(limits.idle_timeout);
  if (streams_.size() > detached_) {
    return connection_.set_deadline(limits.body_timeout);
  }
  connection_.clear_deadline();
}

void Http2Session::finish_if_done() {
  if (connection_.finishing() || !ready_.empty()) return;
  if (nghttp2_session_want_read(session_) != 0) return;
  if (nghttp2_session_want_write(session_) != 0) return;
  connection_.finish();
}

void Http2Session::on_begin_headers(std::int32_t stream) {
  in_head_ = true;
  connection_.set_deadline(connection_.limits().header_timeout);
  if (admit(stream)) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream,
                            NGHTTP2_REFUSED_STREAM);
}

bool Http2Session::admit(std::int32_t stream) {
  // Streams that were reset while their work goes on count too.
  if (streams_.size() >= connection_.limits().h2_streams) return false;
  auto& exchange = connection_.loop().acquire(&connection_);
  if (!exchange.charge(kStreamBytes)) {
    connection_.loop().release(exchange);
    return false;
  }
  exchange.stream_id = stream;
  exchange.slot = streams_.size();
  exchange.mutable_request().http_major = 2;
  streams_.push_back(&exchange);
  nghttp2_session_set_stream_user_data(session_, stream, &exchange);
  return true;
}

void Http2Session::on_header(HttpExchange& exchange, std::string_view name,
                             std::string_view value) {
  if (exchange.stage != HttpExchange::Stage::kReceiving) return;
  const auto& limits = connection_.limits();
  if (exchange.header_bytes() + name.size() + value.size() >
      limits.header_bytes) {
    return refuse(exchange, 431, "headers too large");
  }
  if (exchange.headers.size() >= kHeadersMax) {
    return refuse(exchange, 431, "too many headers");
  }
  if (!exchange.add_header(name, value)) {
    refuse(exchange, 503, "too many requests in flight");
  }
}

void Http2Session::on_headers_end(HttpExchange& exchange, bool end_stream) {
  if (exchange.stage != HttpExchange::Stage::kReceiving) return;
  exchange.mutable_request().headers = exchange.headers;
  if (end_stream) return;
  exchange.body_until = coarse_now() + connection_.limits().request_timeout;
  await_body(exchange);
  if (!exchange.expects_continue) return;
  const auto interim = Http2Callbacks::header(":status", "100");
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, exchange.stream_id,
                         nullptr, &interim, 1, nullptr);
}

void Http2Session::on_body(HttpExchange& exchange, std::string_view bytes) {
  if (exchange.stage != HttpExchange::Stage::kReceiving) return;
  if (bytes.size() > connection_.limits().body_bytes - exchange.body.size()) {
    return refuse(exchange, 413, "http: request body too large");
  }
  if (!exchange.append(bytes)) {
    return refuse(exchange, 503, "too many requests in flight");
  }
  await_body(exchange);
}

void Http2Session::await_body(HttpExchange& exchange) {
  exchange.due = std::min(coarse_now() + connection_.limits().body_timeout,
                          exchange.body_until);
}

void Http2Session::on_request_end(HttpExchange& exchange) {
  if (exchange.stage != HttpExchange::Stage::kReceiving) return;
  exchange.mutable_request().body = exchange.body_view();
  connection_.loop().handler().handle(exchange);
  if (!exchange.detached()) return ready(exchange);
  exchange.stage = HttpExchange::Stage::kDetached;
  ++detached_;
}

void Http2Session::on_stream_close(HttpExchange& exchange) {
  const auto stage = exchange.stage;
  if (stage == HttpExchange::Stage::kDetached ||
      stage == HttpExchange::Stage::kReady) {
    exchange.gone = true;
    return;
  }
  release(exchange);
}

void Http2Session::on_reset() {
  if (--resets_ >= 0) return;
  const auto now = coarse_now();
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now - resets_since_);
  resets_since_ = now;
  resets_ = static_cast<int>(std::min<std::int64_t>(
                seconds.count() * kResetsASecond, kResetsAtOnce)) -
            1;
  if (resets_ < 0) end_session(NGHTTP2_ENHANCE_YOUR_CALM);
}

void Http2Session::refuse(HttpExchange& exchange, int status,
                          std::string_view text) {
  set_refusal(exchange.response(), status, text);
  exchange.refused = true;
  ready(exchange);
}

void Http2Session::ready(HttpExchange& exchange) {
  exchange.stage = HttpExchange::Stage::kReady;
  exchange.due = SteadyTime::max();
  const auto answer = exchange.response().body.size();
  if (answer > kStreamBytes && !exchange.charge(answer)) {
    set_refusal(exchange.response(), 503, "too many requests in flight");
  }
  ready_.push_back(&exchange);
  connection_.touch();
}

void Http2Session::on_complete(HttpExchange& exchange) {
  --detached_;
  if (connection_.closed() || exchange.gone) return release(exchange);
  ready(exchange);
}

void Http2Session::end_turn(bool ok) {
  for (auto* exchange : ready_) {
    if (exchange->gone) {
      release(*exchange);
      continue;
    }
    if (!ok) set_refusal(exchange->response(), 500, "internal error");
    submit(*exchange);
  }
  ready_.clear();
}

void Http2Session::submit(HttpExchange& exchange) {
  exchange.stage = HttpExchange::Stage::kSending;
  exchange.due = coarse_now() + connection_.limits().body_timeout;
  if (Http2Callbacks::submit_response(session_, exchange, scratch_) == 0)
    return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, exchange.stream_id,
                            NGHTTP2_INTERNAL_ERROR);
}

void Http2Session::fill_output() {
  while (!connection_.backlogged()) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) return connection_.close();
    if (size == 0) break;
    connection_.output().append(reinterpret_cast<const char*>(bytes),
                                static_cast<std::size_t>(size));
  }
}

int Http2Session::send_body(HttpExchange& exchange, std::string_view frame_head,
                            std::size_t length) {
  if (connection_.backlogged()) return NGHTTP2_ERR_WOULDBLOCK;
  auto& out = connection_.output();
  const auto& body = exchange.response().body;
  out.append(frame_head);
  out.append(body, exchange.body_sent, length);
  exchange.body_sent += length;
  allow_for_sent(exchange, length);
  // The rest of a refused request is not worth receiving.
  if (exchange.refused && exchange.body_sent == body.size()) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, exchange.stream_id,
                              NGHTTP2_NO_ERROR);
  }
  return 0;
}

// Each byte that the peer takes wins it time, to the full time-out.
void Http2Session::allow_for_sent(HttpExchange& exchange, std::size_t bytes) {
  if (exchange.due == SteadyTime::max()) return;
  exchange.due =
      std::min(coarse_now() + connection_.limits().body_timeout,
               exchange.due + static_cast<std::int64_t>(bytes) * kTimeForAByte);
}

void Http2Session::on_drained() {
  update_deadline();
  finish_if_done();
}

void Http2Session::release(HttpExchange& exchange) {
  const auto slot = exchange.slot;
  std::swap(streams_[slot], streams_.back());
  streams_[slot]->slot = slot;
  streams_.pop_back();
  connection_.loop().release(exchange);
}

void Http2Session::end_session(std::uint32_t error) {
  nghttp2_session_terminate_session(session_, error);
  connection_.finish();
}

void Http2Session::on_eof() { connection_.close(); }

void Http2Session::on_timeout() { end_session(NGHTTP2_NO_ERROR); }

// Deadlines of streams: what the connection's deadline measures are arrivals,
// and a peer that lets a stream stand may have other things to say.
void Http2Session::on_sweep(SteadyTime now) {
  for (std::size_t i = streams_.size(); i-- > 0;) {
    auto& exchange = *streams_[i];
    if (now < exchange.due) continue;
    if (exchange.stage == HttpExchange::Stage::kReceiving) {
      refuse(exchange, 408, "request timed out");
      continue;
    }
    exchange.due = SteadyTime::max();
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, exchange.stream_id,
                              NGHTTP2_CANCEL);
    connection_.touch();
  }
}

void Http2Session::on_stop() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  connection_.touch();
}

void Http2Session::on_close() {
  ready_.clear();
  for (std::size_t i = streams_.size(); i-- > 0;) {
    auto& exchange = *streams_[i];
    if (exchange.stage != HttpExchange::Stage::kDetached) release(exchange);
  }
}

}  // namespace bulla::net
