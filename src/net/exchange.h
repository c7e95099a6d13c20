#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/buffer.h"
#include "net/http1_parser.h"
#include "net/message.h"

namespace bulla::net {

class Connection;
class Loop;

void intrusive_ptr_add_ref(Connection* connection);
void intrusive_ptr_release(Connection* connection);
using ConnectionPtr = boost::intrusive_ptr<Connection>;

/// An exchange as the sessions see it: pooled by its loop, with the memory that
/// its request may need. Only complete() may be called from other threads.
class HttpExchange final : public Exchange, public Http1Parser::BodySink {
 public:
  explicit HttpExchange(Loop& loop) : loop_(loop) {}

  void complete() override;

  /// Readies a pooled one for a request of `connection`.
  void begin(ConnectionPtr connection);
  /// Drops what the request held; gives charged memory back.
  void end();

  Connection& connection() { return *connection_; }
  Request& mutable_request() { return request_; }

  /// Makes room for `bytes` of body in all, against the listener's budget.
  /// False: the budget or the memory is spent.
  bool reserve_body(std::size_t bytes);
  /// Takes `bytes` more of the listener's budget, until end().
  bool charge(std::size_t bytes);
  /// Appends to the body, growing it. False as reserve_body.
  bool append(std::string_view bytes) override;

  /// HTTP/2: keeps a copy of one header in `headers`, of a pseudo-header in the
  /// request. False as reserve_body.
  bool add_header(std::string_view name, std::string_view value);
  std::size_t header_bytes() const { return text_size_; }

  /// The body; kBodyPadding readable bytes follow also where it is empty.
  std::string_view body_view() const;

  std::vector<Header> headers;
  BodyBuffer body;

  /// Where an HTTP/2 stream is in its life.
  enum class Stage { kReceiving, kDetached, kReady, kSending };
  Stage stage = Stage::kReceiving;
  std::int32_t stream_id = 0;
  std::size_t slot = 0;  ///< Its place among its connection's streams.
  std::size_t body_sent = 0;
  /// HTTP/2: when its body, or its peer's will to take the answer, is late; and
  /// when the body has to be there at last.
  std::chrono::steady_clock::time_point due;
  std::chrono::steady_clock::time_point body_until;
  bool gone = false;     ///< The stream ended before its answer.
  bool refused = false;  ///< Answered before its request had ended.
  bool expects_continue = false;
  std::size_t pool_slot = 0;  ///< Its place among all of its loop's.
  /// For the loop's list of completed exchanges.
  HttpExchange* next_completed = nullptr;

 private:
  bool grow_text(std::size_t capacity);
  void place_header(std::string_view name, std::string_view value);

  Loop& loop_;
  ConnectionPtr connection_;
  // Copies of headers; what views them moves along when it grows.
  std::unique_ptr<char[]> text_;
  std::size_t text_capacity_ = 0;
  std::size_t text_size_ = 0;
  std::size_t charged_ = 0;
};

}  // namespace bulla::net
