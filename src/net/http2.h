#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/connection.h"

namespace bulla::net {

/// HTTP/2 on one connection: nghttp2 keeps the protocol, an exchange each
/// stream. Answers are handed to nghttp2 when the turn ends.
class Http2Session final : public Session {
 public:
  /// Null when nghttp2 has no memory.
  static std::unique_ptr<Http2Session> create(Connection& connection);
  ~Http2Session() override;

  /// Takes bytes that were received before the session was there.
  void take(std::string_view bytes);

  bool wants_input() const override;
  std::span<char> input_space() override;
  void on_input(std::size_t bytes) override;
  void on_eof() override;
  void on_timeout() override;
  void on_sweep(SteadyTime now) override;
  void on_complete(HttpExchange& exchange) override;
  void end_turn(bool ok) override;
  void fill_output() override;
  void on_drained() override;
  void on_stop() override;
  void on_close() override;

 private:
  friend struct Http2Callbacks;

  // A peer may reset so many streams at once, and so many more a second.
  static constexpr int kResetsAtOnce = 200;
  static constexpr int kResetsASecond = 20;

  explicit Http2Session(Connection& connection) : connection_(connection) {}
  bool start();

  void on_begin_headers(std::int32_t stream);
  void on_header(HttpExchange& exchange, std::string_view name,
                 std::string_view value);
  void on_body(HttpExchange& exchange, std::string_view bytes);
  void on_headers_end(HttpExchange& exchange, bool end_stream);
  void on_head_left() { in_head_ = false; }
  void on_request_end(HttpExchange& exchange);
  void on_stream_close(HttpExchange& exchange);
  void on_reset();
  int send_body(HttpExchange& exchange, std::string_view frame_head,
                std::size_t length);

  void ready(HttpExchange& exchange);
  void refuse(HttpExchange& exchange, int status, std::string_view text);
  void submit(HttpExchange& exchange);
  void release(HttpExchange& exchange);
  void end_session(std::uint32_t error);
  void update_deadline();
  void await_body(HttpExchange& exchange);
  void allow_for_sent(HttpExchange& exchange, std::size_t bytes);
  bool admit(std::int32_t stream);
  void finish_if_done();

  Connection& connection_;
  nghttp2_session* session_ = nullptr;
  std::vector<HttpExchange*> streams_;  ///< All that are not released.
  std::vector<HttpExchange*> ready_;
  std::vector<nghttp2_nv> scratch_;
  std::size_t detached_ = 0;
  bool in_head_ = false;
  int resets_ = kResetsAtOnce;
  SteadyTime resets_since_ = coarse_now();
};

}  // namespace bulla::net
