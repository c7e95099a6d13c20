#include "net/connection.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "net/http1.h"
#include "net/http2.h"

namespace bulla::net {
namespace {

// A connection that is refused mid-request is read on for so long, and so far,
// that the peer gets to see why: closing on unread input would reset it.
constexpr std::chrono::milliseconds kLingerTime{1500};
constexpr std::chrono::milliseconds kLingerTimeWhenStopping{200};
constexpr std::size_t kLingerBytes = std::size_t{256} << 10;

// Reads that one connection may do before others get their turn.
constexpr int kReadsAtOnce = 16;

constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.0 400 Bad Request\r\n\r\n"
    "Client sent an HTTP request to an HTTPS server.\n";

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

void intrusive_ptr_add_ref(Connection* connection) {
  ++connection->references_;
}
void intrusive_ptr_release(Connection* connection) {
  if (--connection->references_ == 0) delete connection;
}

Connection::Connection(Loop& loop, Listener& listener, LoopBudget& budget,
                       TcpSocket socket, Peer peer,
                       std::unique_ptr<TlsStream> tls)
    : loop_(loop),
      listener_(listener),
      budget_(budget),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      tls_(std::move(tls)),
      handshaking_(tls_ != nullptr) {}

void Connection::start() {
  loop_.add(*this);
  listener_.connections.fetch_add(1, std::memory_order_relaxed);
  set_deadline(limits().header_timeout);
  if (!handshaking_) start_session();
  wait_readable();
}

void Connection::start_session() {
  if (tls_ != nullptr && tls_->chose_http2()) return switch_to_http2({});
  session_ = std::make_unique<Http1Session>(*this);
}

void Connection::switch_to_http2(std::string_view bytes) {
  auto session = Http2Session::create(*this);
  if (!session) return close();
  // The old session's buffer may hold `bytes`.
  const auto old = std::exchange(session_, std::move(session));
  static_cast<Http2Session&>(*session_).take(bytes);
}

void Connection::stop() {
  if (closed_) return;
  if (!session_ || lingering_) return close();
  session_->on_stop();
}

void Connection::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = coarse_now() + from_now;
}

void Connection::check_deadlines(SteadyTime now) {
  if (now >= write_deadline_) return close();
  if (now >= deadline_) {
    if (!session_ || lingering_) return close();
    return session_->on_timeout();
  }
  if (session_ && !lingering_) session_->on_sweep(now);
}

void Connection::touch() {
  if (dirty_ || closed_) return;
  dirty_ = true;
  loop_.mark_dirty(this);
}

void Connection::set_tail(std::string tail) { tail_ = std::move(tail); }

void Connection::finish() {
  finishing_ = true;
  touch();
}

void Connection::complete(HttpExchange& exchange) {
  session_->on_complete(exchange);
  if (!closed_) read_more();
}

void Connection::wait_readable() {
  if (read_waiting_) return;
  read_waiting_ = true;
  socket_.async_wait(
      boost::asio::socket_base::wait_read,
      [self = ConnectionPtr(this)](const boost::system::error_code&) {
        self->read_waiting_ = false;
        if (!self->closed_) self->on_readable();
      });
}

void Connection::wait_writable() {
  if (write_waiting_) return;
  write_waiting_ = true;
  socket_.async_wait(
      boost::asio::socket_base::wait_write,
      [self = ConnectionPtr(this)](const boost::system::error_code&) {
        self->write_waiting_ = false;
        if (!self->closed_) self->on_writable();
      });
}

void Connection::on_readable() {
  if (handshaking_) return continue_handshake();
  if (lingering_) return discard_input();
  read_input();
  // TLS that waits for the socket to send may be waiting for us to receive.
  if (!closed_ && tls_ && unsent() != 0 && !dirty_) send_output();
}

void Connection::on_writable() {
  if (handshaking_) return continue_handshake();
  // Answers of the turn that is running wait for its end.
  if (!dirty_) send_output();
}

void Connection::continue_handshake() {
  const auto io = tls_->handshake();
  switch (io.status) {
    case IoStatus::kWantRead:
      return wait_readable();
    case IoStatus::kWantWrite:
      return wait_writable();
    case IoStatus::kClosed:
      if (tls_->saw_plain_http()) answer_plain_http();
      return close();
    case IoStatus::kDone:
      handshaking_ = false;
      tls_->describe(peer_);
      start_session();
      return read_more();
  }
}

void Connection::answer_plain_http() {
  [[maybe_unused]] const auto sent =
      ::send(socket_.native_handle(), kPlainHttpAnswer.data(),
             kPlainHttpAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Reads when TLS has bytes of its own, waits for the socket otherwise.
void Connection::read_more() {
  if (closed_ || lingering_ || reading_ || !session_->wants_input()) return;
  if (!tls_ || !tls_->pending()) return wait_readable();
  read_input();
}

void Connection::read_input() {
  const ConnectionPtr keep(this);
  reading_ = true;
  bool more = true;
  for (int i = 0; more && !closed_ && session_->wants_input(); ++i) {
    if (i == kReadsAtOnce) return read_later();
    more = take_input(read(session_->input_space())) && tls_ && tls_->pending();
  }
  reading_ = false;
  if (!closed_ && !lingering_ && !write_waiting_ && session_->wants_input()) {
    wait_readable();
  }
}

// Leaves the loop to others, then goes on: the socket would not wake us for
// what TLS has already taken from it.
void Connection::read_later() {
  boost::asio::post(loop_.io(), [self = ConnectionPtr(this)] {
    self->reading_ = false;
    if (!self->closed_ && !self->lingering_) self->read_input();
  });
}

// Returns whether there may be more to read.
bool Connection::take_input(const Io& io) {
  switch (io.status) {
    case IoStatus::kDone:
      session_->on_input(io.bytes);
      return true;
    case IoStatus::kClosed:
      session_->on_eof();
      return false;
    case IoStatus::kWantWrite:
      wait_writable();
      return false;
    case IoStatus::kWantRead:
      return false;
  }
  return false;
}

Io Connection::read(std::span<char> into) {
  if (tls_) return tls_->read(into);
  const auto n = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
  if (n > 0) return {IoStatus::kDone, static_cast<std::size_t>(n)};
  if (n < 0 && would_block(errno)) return {IoStatus::kWantRead};
  return {IoStatus::kClosed};
}

Io Connection::write(std::string_view bytes, bool more) {
  if (tls_) return tls_->write(bytes);
  const auto n = ::send(socket_.native_handle(), bytes.data(), bytes.size(),
                        MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  if (n >= 0) return {IoStatus::kDone, static_cast<std::size_t>(n)};
  if (would_block(errno)) return {IoStatus::kWantWrite};
  return {IoStatus::kClosed};
}

void Connection::flush(bool ok) {
  dirty_ = false;
  if (closed_) return;
  session_->end_turn(ok);
  send_output();
}

void Connection::send_output() {
  for (;;) {
    if (session_) session_->fill_output();
    if (unsent() == 0) break;
    if (!send_some()) return;
  }
  release_output();
  if (finishing_) return begin_linger();
  session_->on_drained();
  read_more();
}

// Sends all of the output. False: not now, or the connection has closed.
bool Connection::send_some() {
  while (unsent() != 0) {
    const bool head = sent_ < output_.size();
    const auto bytes = head ? std::string_view(output_).substr(sent_)
                            : std::string_view(tail_).substr(tail_sent_);
    const auto io = write(bytes, head && !tail_.empty());
    if (io.status == IoStatus::kClosed) {
      close();
      return false;
    }
    if (io.status != IoStatus::kDone) {
      if (write_deadline_ == SteadyTime::max()) {
        write_deadline_ = coarse_now() + limits().body_timeout;
      }
      if (!charge_unsent()) {
        close();
        return false;
      }
      io.status == IoStatus::kWantRead ? wait_readable() : wait_writable();
      return false;
    }
    write_deadline_ = SteadyTime::max();
    (head ? sent_ : tail_sent_) += io.bytes;
  }
  output_.clear();
  sent_ = 0;
  tail_.clear();
  tail_sent_ = 0;
  give_back_charge();
  return true;
}

// What a peer does not take is held against the listener's budget.
bool Connection::charge_unsent() {
  const auto held = output_.capacity() + tail_.capacity();
  if (held <= charged_) return true;
  if (!budget_.take(held - charged_)) return false;
  charged_ = held;
  return true;
}

void Connection::give_back_charge() {
  if (charged_ != 0) budget_.give(std::exchange(charged_, 0));
}

void Connection::release_output() {
  if (output_.capacity() >= kSmallest) {
    loop_.give_output(std::exchange(output_, std::string()));
  }
  if (tail_.capacity() > kSmallest) tail_ = std::string();
}

void Connection::begin_linger() {
  if (lingering_) return;
  lingering_ = true;
  if (tls_) tls_->shutdown();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  set_deadline(loop_.stopping() ? kLingerTimeWhenStopping : kLingerTime);
  discard_input();
}

void Connection::discard_input() {
  const auto scratch = loop_.scratch();
  const auto n =
      ::recv(socket_.native_handle(), scratch.data(), scratch.size(), 0);
  if (n > 0) discarded_ += static_cast<std::size_t>(n);
  const bool open = n > 0 || (n < 0 && would_block(errno));
  if (!open || discarded_ > kLingerBytes) return close();
  wait_readable();
}

void Connection::close() {
  if (closed_) return;
  const ConnectionPtr keep(this);
  closed_ = true;
  give_back_charge();
  if (session_) session_->on_close();
  if (tls_) tls_->shutdown();
  boost::system::error_code ignored;
  socket_.close(ignored);
  listener_.connections.fetch_sub(1, std::memory_order_relaxed);
  loop_.remove(*this);
}

}  // namespace bulla::net
