#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "loadgen/options.h"
#include "loadgen/templates.h"
#include "loadgen/totals.h"

namespace bulla::loadgen {

/// A socket, with TLS on it or not. Writes block, reads do not.
class Link {
 public:
  Link(const Options& options, SSL_CTX* tls) {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
      die("not an IPv4 address: " + options.host);
    }
    const void* raw = &address;
    if (connect(fd_, static_cast<const sockaddr*>(raw), sizeof(address)) != 0) {
      die("cannot connect to port " + std::to_string(options.port));
    }
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (tls == nullptr) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, fd_);
    if (SSL_connect(ssl_) != 1) die("the TLS handshake failed");
  }
  ~Link() {
    SSL_free(ssl_);
    ::close(fd_);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int fd() const { return fd_; }
  void send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n =
          ssl_ != nullptr
              ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
              : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) die("the server closed a connection");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// 0 when nothing is there now. For TLS the socket is blocking too, but
  /// epoll has said that a record begins.
  std::size_t receive(char* into, std::size_t room) {
    const auto n = ssl_ != nullptr
                       ? SSL_read(ssl_, into, static_cast<int>(room))
                       : recv(fd_, into, room, MSG_DONTWAIT);
    if (n > 0) return static_cast<std::size_t>(n);
    if (ssl_ == nullptr && n < 0 && errno == EAGAIN) return 0;
    die("the server closed a connection");
  }
  bool pending() const { return ssl_ != nullptr && SSL_pending(ssl_) > 0; }

 private:
  int fd_ = -1;
  SSL* ssl_ = nullptr;
};

class Client {
 public:
  Client(const Options& options, Templates& templates, Totals& totals,
         SSL_CTX* tls)
      : options_(options),
        templates_(templates),
        totals_(totals),
        link_(options, tls) {}
  virtual ~Client() = default;

  virtual void start() = 0;
  void readable(std::uint64_t now) {
    static std::array<char, 1 << 18> buffer;
    do {
      const auto n = link_.receive(buffer.data(), buffer.size());
      if (n == 0) return;
      totals_.bytes += n;
      take({buffer.data(), n}, now);
    } while (link_.pending());
    flush(now);
  }
  int fd() const { return link_.fd(); }

 protected:
  virtual void take(std::string_view bytes, std::uint64_t now) = 0;
  virtual void flush(std::uint64_t now) = 0;

  const Options& options_;
  Templates& templates_;
  Totals& totals_;
  Link link_;
};

}  // namespace bulla::loadgen
