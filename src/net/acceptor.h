#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "net/listener.h"

namespace bulla::net {

class Loop;

using TcpSocket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                     boost::asio::io_context::executor_type>;
using TcpAcceptor =
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                       boost::asio::io_context::executor_type>;

/// One loop's listening socket of one listener.
class Acceptor {
 public:
  /// Binds listener.bound, and writes there what was bound.
  ///   kInvalidArgument  not an address; kUnavailable  cannot be bound.
  static Result<std::unique_ptr<Acceptor>> create(Loop& loop,
                                                  Listener& listener);

  /// Accepts until close().
  void start();
  void close();
  LoopBudget& budget() { return budget_; }

 private:
  Acceptor(Loop& loop, Listener& listener);
  Result<void> bind(const boost::asio::ip::tcp::endpoint& endpoint);
  void wait();
  void accept_some();
  void pause();
  void admit(TcpSocket socket, const boost::asio::ip::tcp::endpoint& peer);

  Loop& loop_;
  Listener& listener_;
  TcpAcceptor socket_;
  boost::asio::steady_timer pause_timer_;
  LoopBudget budget_;
};

}  // namespace bulla::net
