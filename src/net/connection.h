#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/acceptor.h"
#include "net/exchange.h"
#include "net/loop.h"
#include "net/tls.h"

namespace bulla::net {

/// The protocol spoken on a connection. Calls come from the connection, which
/// outlives it; a session tells its connection what to do in return.
class Session {
 public:
  virtual ~Session() = default;

  /// Whether more input can be taken now.
  virtual bool wants_input() const = 0;
  /// Where the next input goes; not empty while wants_input().
  virtual std::span<char> input_space() = 0;
  /// `bytes` of input_space() were filled.
  virtual void on_input(std::size_t bytes) = 0;
  /// The peer sends no more.
  virtual void on_eof() = 0;
  /// The session's deadline has passed.
  virtual void on_timeout() = 0;
  /// Now and then: deadlines of the session's own.
  virtual void on_sweep(SteadyTime now) = 0;
  /// A detached exchange of this session is complete; its answer is to be sent
  /// or, if the connection has closed, the exchange released.
  virtual void on_complete(HttpExchange& exchange) = 0;
  /// The turn ends: makes its answers final, or 500 if not `ok`.
  virtual void end_turn(bool ok) = 0;
  /// Appends more output, if there is any that was held back.
  virtual void fill_output() = 0;
  /// All output has been sent.
  virtual void on_drained() = 0;
  /// The server stops: answer what is in flight and finish.
  virtual void on_stop() = 0;
  /// The connection has closed: release what is not detached.
  virtual void on_close() = 0;
};

/// A connection: its socket, TLS, output, deadlines. Held by the loop until it
/// closes, and by those who may still need it then: pending waits, the loop's
/// dirty list, exchanges in flight.
class Connection {
 public:
  Connection(Loop& loop, Listener& listener, LoopBudget& budget,
             TcpSocket socket, Peer peer, std::unique_ptr<TlsStream> tls);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  void stop();
  /// Closes when the deadline has passed, or lets the session refuse.
  void check_deadlines(SteadyTime now);
  /// Ends the loop's turn for this connection: see Session::end_turn.
  void flush(bool ok);
  void complete(HttpExchange& exchange);
  /// At once; what was not sent is lost.
  void close();

  // For the session.
  Loop& loop() { return loop_; }
  const Limits& limits() const { return listener_.options.limits; }
  const Peer& peer() const { return peer_; }
  LoopBudget& budget() { return budget_; }
  bool closed() const { return closed_; }
  /// Whatever is appended is sent at the turn's end, if touch() is called.
  std::string& output() {
    if (output_.capacity() < kSmallest) output_ = loop_.take_output();
    return output_;
  }
  bool has_output() const { return unsent() != 0; }
  void touch();
  /// Sent after output(), without being copied into it; nothing may be appended
  /// to output() before that.
  void set_tail(std::string tail);
  void drop_tail() { tail_.clear(); }
  bool has_tail() const { return !tail_.empty(); }
  /// Whether so much is unsent that nothing should be added.
  bool backlogged() const { return unsent() >= kBacklogBytes; }
  /// Closes once all output is sent, after having let the peer read it.
  void finish();
  bool finishing() const { return finishing_; }
  void set_deadline(std::chrono::milliseconds from_now);
  void set_deadline_at(SteadyTime at) { deadline_ = at; }
  void clear_deadline() { deadline_ = SteadyTime::max(); }
  /// Changes the protocol to HTTP/2, of which `bytes` have been received.
  void switch_to_http2(std::string_view bytes);

  // For the loop.
  std::size_t slot = 0;

 private:
  friend void intrusive_ptr_add_ref(Connection* connection);
  friend void intrusive_ptr_release(Connection* connection);

  /// What a string that came from the loop's pool has at least.
  static constexpr std::size_t kSmallest = Loop::kOutputBytes;
  static constexpr std::size_t kBacklogBytes = std::size_t{256} << 10;

  std::size_t unsent() const {
    return output_.size() - sent_ + tail_.size() - tail_sent_;
  }
  void wait_readable();
  void wait_writable();
  void on_readable();
  void on_writable();
  void continue_handshake();
  void answer_plain_http();
  void start_session();
  void read_input();
  bool take_input(const Io& io);
  void read_more();
  void read_later();
  void discard_input();
  Io read(std::span<char> into);
  Io write(std::string_view bytes, bool more);
  void send_output();
  bool send_some();
  void release_output();
  bool charge_unsent();
  void give_back_charge();
  void begin_linger();

  Loop& loop_;
  Listener& listener_;
  LoopBudget& budget_;
  TcpSocket socket_;
  Peer peer_;
  std::unique_ptr<TlsStream> tls_;
  std::unique_ptr<Session> session_;
  std::string output_;
  std::size_t sent_ = 0;
  std::string tail_;
  std::size_t tail_sent_ = 0;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime write_deadline_ = SteadyTime::max();
  std::size_t discarded_ = 0;
  std::size_t charged_ = 0;
  int references_ = 0;
  bool handshaking_ = false;
  bool read_waiting_ = false;
  bool write_waiting_ = false;
  bool reading_ = false;
  bool dirty_ = false;
  bool finishing_ = false;
  bool lingering_ = false;
  bool closed_ = false;
};

}  // namespace bulla::net
