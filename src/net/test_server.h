#pragma once

// For this folder's tests: a server on a port of its own, and a peer that sends
// any bytes at all.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "net/server.h"

namespace bulla::net {

using Handle = std::function<void(Exchange&)>;

/// Runs a server with a handler until it goes out of scope.
class TestServer {
 public:
  explicit TestServer(Handle handle, ListenerOptions options = {},
                      unsigned loops = 1)
      : handle_(std::move(handle)) {
    if (options.address.empty()) options.address = "127.0.0.1:0";
    auto server = Server::create({std::move(options)}, loops, [this](unsigned) {
      return std::make_unique<Handler>(*this);
    });
    EXPECT_TRUE(server.has_value()) << server.error().message();
    server_ = *std::move(server);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~TestServer() { stop(); }

  void stop(std::chrono::milliseconds grace = std::chrono::seconds(2)) {
    if (!thread_.joinable()) return;
    server_->stop(grace);
    thread_.join();
  }
  Server& server() { return *server_; }
  std::string address() const { return server_->addresses().front(); }
  std::uint16_t port() const {
    const auto text = address();
    return static_cast<std::uint16_t>(
        std::stoi(text.substr(text.rfind(':') + 1)));
  }
  std::string url(const std::string& path, bool tls = false) const {
    return (tls ? "https://" : "http://") + address() + path;
  }

  std::atomic<bool> before_send_ok{true};
  std::atomic<int> turns{0};

 private:
  struct Handler final : LoopHandler {
    explicit Handler(TestServer& o) : owner(o) {}
    void handle(Exchange& exchange) override { owner.handle_(exchange); }
    bool before_send() override {
      ++owner.turns;
      return owner.before_send_ok;
    }
    TestServer& owner;
  };

  Handle handle_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

/// "METHOD target [body]" back to the client.
inline void echo(Exchange& exchange) {
  const auto& request = exchange.request();
  auto& response = exchange.response();
  response.content_type = "text/plain";
  response.body = std::string(request.method_text) + " " +
                  std::string(request.target) + " [" +
                  std::string(request.body) + "]";
}

/// A TCP connection without any knowledge of HTTP.
class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const void* raw = &address;
    connected_ =
        ::connect(fd_, static_cast<const sockaddr*>(raw), sizeof(address)) == 0;
  }
  ~RawPeer() { close(); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// What comes until it contains `end` (what follows is kept back), the peer
  /// closes, or 3 s have passed.
  std::string read_until(std::string_view end) {
    for (;;) {
      const auto at = held_.find(end);
      if (at != std::string::npos) return take(at + end.size());
      if (!receive()) return take(held_.size());
    }
  }
  /// All until the peer closes; whether it did is in closed().
  std::string read_all() {
    while (receive()) {
    }
    return take(held_.size());
  }
  /// One answer: head and Content-Length body.
  std::string read_answer(bool head_only = false) {
    auto answer = read_until("\r\n\r\n");
    const auto at = answer.find("Content-Length: ");
    if (head_only || at == std::string::npos) return answer;
    const auto length = std::stoul(answer.substr(at + 16));
    while (held_.size() < length && receive()) {
    }
    return answer + take(std::min<std::size_t>(length, held_.size()));
  }
  bool closed() const { return closed_; }

  void shutdown_write() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger on{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &on, sizeof(on));
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool receive() {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, 3000) <= 0) return false;
    std::string chunk(65536, '\0');
    const auto n = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (n <= 0) {
      closed_ = true;
      return false;
    }
    held_.append(chunk, 0, static_cast<std::size_t>(n));
    return true;
  }
  std::string take(std::size_t size) {
    auto taken = held_.substr(0, size);
    held_.erase(0, size);
    return taken;
  }

  int fd_ = -1;
  bool connected_ = false;
  bool closed_ = false;
  std::string held_;
};

/// Waits up to 3 s for `condition`.
template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

}  // namespace bulla::net
