#include "net/acceptor.h"

#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <charconv>

#include "net/connection.h"
#include "net/loop.h"

namespace bulla::net {
namespace {

namespace ip = boost::asio::ip;

constexpr int kBacklog = 1024;
// New connections a wake-up, so that a flood of them leaves room for requests.
constexpr int kAcceptsAtOnce = 32;
// How long nothing is accepted when the process is out of descriptors.
constexpr std::chrono::milliseconds kPause{100};

Error unusable(const std::string& address, const std::string& why) {
  return unavailable("cannot listen on " + address + ": " + why);
}

Result<ip::tcp::endpoint> resolve(boost::asio::io_context& io,
                                  const std::string& address) {
  const auto colon = address.rfind(':');
  std::uint16_t port = 0;
  const char* const end = address.data() + address.size();
  std::from_chars_result parsed{nullptr, std::errc::invalid_argument};
  if (colon != std::string::npos) {
    parsed = std::from_chars(address.data() + colon + 1, end, port);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return fail(invalid_argument("listener address \"" + address +
                                 "\" is not HOST:PORT"));
  }
  auto host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) return ip::tcp::endpoint(ip::address_v6::any(), port);
  boost::system::error_code code;
  const auto numeric = ip::make_address(host, code);
  if (!code) return ip::tcp::endpoint(numeric, port);
  const auto found =
      ip::tcp::resolver(io).resolve(host, "", ip::tcp::resolver::passive, code);
  if (code || found.empty()) return fail(unusable(address, code.message()));
  return ip::tcp::endpoint(found.begin()->endpoint().address(), port);
}

std::string to_string(const ip::tcp::endpoint& endpoint) {
  const auto text = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + text + "]" : text) + ":" +
         std::to_string(endpoint.port());
}

std::string peer_address(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

Acceptor::Acceptor(Loop& loop, Listener& listener)
    : loop_(loop),
      listener_(listener),
      socket_(loop.io().get_executor()),
      pause_timer_(loop.io()),
      budget_(listener.budget) {}

Result<std::unique_ptr<Acceptor>> Acceptor::create(Loop& loop,
                                                   Listener& listener) {
  TRY_ASSIGN(const auto endpoint, resolve(loop.io(), listener.bound));
  std::unique_ptr<Acceptor> acceptor(new Acceptor(loop, listener));
  TRY(acceptor->bind(endpoint));
  return acceptor;
}

Result<void> Acceptor::bind(const ip::tcp::endpoint& endpoint) {
  boost::system::error_code code;
  socket_.open(endpoint.protocol(), code);
  if (!code) {
    socket_.set_option(boost::asio::socket_base::reuse_address(true), code);
  }
  if (!code && listener_.shared_port) {
    const int on = 1;
    if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on,
                     sizeof(on)) != 0) {
      code.assign(errno, boost::system::system_category());
    }
  }
  if (!code) socket_.bind(endpoint, code);
  if (!code) socket_.listen(kBacklog, code);
  if (!code) socket_.native_non_blocking(true, code);
  if (code) return fail(unusable(listener_.bound, code.message()));
  listener_.bound = to_string(socket_.local_endpoint(code));
  return {};
}

void Acceptor::start() { wait(); }

void Acceptor::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  pause_timer_.cancel();
}

void Acceptor::wait() {
  if (!socket_.is_open()) return;
  socket_.async_wait(boost::asio::socket_base::wait_read,
                     [this](const boost::system::error_code& code) {
                       if (!code && socket_.is_open()) accept_some();
                     });
}

void Acceptor::accept_some() {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    ip::tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    const int fd = ::accept4(socket_.native_handle(), peer.data(), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
          errno == ENOBUFS) {
        return pause();
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      continue;
    }
    peer.resize(size);
    TcpSocket socket(loop_.io().get_executor());
    boost::system::error_code code;
    socket.assign(peer.protocol(), fd, code);
    if (code) {
      ::close(fd);
      continue;
    }
    admit(std::move(socket), peer);
  }
  wait();
}

void Acceptor::pause() {
  pause_timer_.expires_after(kPause);
  pause_timer_.async_wait([this](const boost::system::error_code& code) {
    if (!code) wait();
  });
}

void Acceptor::admit(TcpSocket socket, const ip::tcp::endpoint& peer) {
  if (listener_.connections.load(std::memory_order_relaxed) >=
      listener_.options.limits.connections) {
    return;
  }
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(ip::tcp::no_delay(true), ignored);
  std::unique_ptr<TlsStream> tls;
  if (listener_.tls) {
    tls = TlsStream::create(listener_.tls->current(), socket.native_handle());
    if (!tls) return;
  }
  Peer described{peer_address(peer.address()),
                 peer.port(),
                 tls != nullptr,
                 {},
                 false,
                 listener_.place};
  const ConnectionPtr connection(
      new Connection(loop_, listener_, budget_, std::move(socket),
                     std::move(described), std::move(tls)));
  connection->start();
}

}  // namespace bulla::net
