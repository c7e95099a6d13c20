#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/acceptor.h"
#include "net/buffer.h"
#include "net/exchange.h"
#include "net/listener.h"
#include "net/server.h"

namespace bulla::net {

using SteadyTime = std::chrono::steady_clock::time_point;

/// The time to a few milliseconds, for a few nanoseconds.
SteadyTime coarse_now();

/// One event loop: its connections, its pools, and the turn that gathers what
/// they have to send. Used on its own thread unless a method says otherwise.
class Loop {
 public:
  static constexpr std::size_t kOutputBytes = 2048;

  /// Binds an acceptor for each of `listeners`, whose order they keep.
  static Result<std::unique_ptr<Loop>> create(
      unsigned index, const std::vector<std::unique_ptr<Listener>>& listeners);
  ~Loop();

  /// Runs until stop() has taken effect.
  void run(const Server::HandlerFactory& factory);
  /// See Server::stop. Any thread.
  void stop(std::chrono::milliseconds grace);
  /// Any thread.
  void post(std::function<void()> task);
  /// Queues an exchange whose answer is ready. Any thread.
  void push_completed(HttpExchange& exchange);

  boost::asio::io_context& io() { return io_; }
  LoopHandler& handler() { return *handler_; }
  bool stopping() const { return stopping_; }

  /// `connection` has something to send: flushes it at the turn's end.
  void mark_dirty(ConnectionPtr connection);
  void add(Connection& connection);
  void remove(Connection& connection);

  HttpExchange& acquire(ConnectionPtr connection);
  void release(HttpExchange& exchange);
  std::unique_ptr<ReceiveBuffer> take_buffer();
  void give_buffer(std::unique_ptr<ReceiveBuffer> buffer);
  /// Empty, with room for kOutputBytes.
  std::string take_output();
  void give_output(std::string output);
  /// One large body's memory is kept for the next large body.
  void keep_body(BodyBuffer&& body);
  void lend_body(BodyBuffer& body) { body.swap(spare_body_); }
  /// Room for bytes that are looked at once.
  std::span<char> scratch() { return {scratch_.get(), kScratchBytes}; }

 private:
  static constexpr std::size_t kScratchBytes = std::size_t{64} << 10;
  static constexpr std::size_t kPooled = 512;

  explicit Loop(unsigned index) : index_(index) {}

  void end_turn();
  void take_completed();
  void sweep();
  void begin_stop(std::chrono::milliseconds grace);
  void end_if_idle();
  void close_all();

  const unsigned index_;
  boost::asio::io_context io_{1};
  boost::asio::steady_timer sweep_timer_{io_};
  boost::asio::steady_timer grace_timer_{io_};
  std::chrono::milliseconds sweep_interval_{1000};
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::unique_ptr<LoopHandler> handler_;

  std::vector<ConnectionPtr> connections_;
  std::vector<ConnectionPtr> dirty_;
  std::vector<ConnectionPtr> flushing_;
  bool turn_posted_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
  std::atomic<HttpExchange*> completed_{nullptr};

  std::vector<std::unique_ptr<HttpExchange>> exchanges_;
  std::vector<HttpExchange*> free_exchanges_;
  std::vector<std::unique_ptr<ReceiveBuffer>> buffers_;
  std::vector<std::string> outputs_;
  BodyBuffer spare_body_;
  std::unique_ptr<char[]> scratch_{new char[kScratchBytes]};
};

}  // namespace bulla::net
