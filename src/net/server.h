#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/message.h"

namespace bulla::net {

/// What one listener grants its peers. SIZE_MAX is "no limit".
struct Limits {
  std::size_t body_bytes = std::size_t{32} << 20;  ///< More: 413.
  std::size_t header_bytes = std::size_t{64}
                             << 10;  ///< All together; more: 431.
  /// From a connection's or a request's first byte to its last header (408),
  /// and for a TLS handshake.
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);
  /// Between two arrivals of body bytes (408), and for a peer that does not
  /// take its answers.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// From a request's last header to its body's last byte (408).
  std::chrono::milliseconds request_timeout = std::chrono::seconds(90);
  std::chrono::milliseconds idle_timeout = std::chrono::minutes(5);
  std::size_t connections = 4096;  ///< More are closed as they come.
  std::uint32_t h2_streams = 256;  ///< At once, a connection.
  /// All request bodies, long header blocks, open HTTP/2 streams and answers
  /// that their peers do not take, held at once on the listener. Over it a
  /// request is answered with 503, a stream refused, a connection that does not
  /// read closed.
  std::size_t buffered_bytes_total = std::size_t{512} << 20;
};

struct TlsOptions {
  std::string cert_file;  ///< PEM chain, leaf first.
  std::string key_file;   ///< PEM, not encrypted.
  /// PEM bundle that client certificates must chain to; "" for none.
  std::string client_ca_file;
  /// Refuses clients without a certificate of that bundle (of the system's
  /// trust store when client_ca_file is "").
  bool require_and_verify_client_cert = false;
  /// Does not even ask. Otherwise one is asked for; it must verify only where
  /// require_and_verify_client_cert says so: see Peer.
  bool disable_client_certs = false;
  std::string min_version = "tls12";  ///< "tls12" or "tls13".
  std::string max_version = "tls13";
  /// IANA or OpenSSL names; empty for the defaults. TLS 1.2 and 1.3 mixed.
  std::vector<std::string> cipher_suites;
};

struct ListenerOptions {
  std::string address;  ///< "127.0.0.1:8200", "[::1]:8200", "localhost:0".
  Limits limits;
  std::optional<TlsOptions> tls;
};

/// HTTP/1.1 and HTTP/2 (by ALPN, or by prior knowledge without TLS) on some
/// listeners, by some event loops with a thread each. A peer that misbehaves
/// loses its connection, never the listener.
class Server {
 public:
  /// Makes the handler of loop 0 … loops-1; called on that loop's thread before
  /// its first request. The handler is destroyed on that thread too.
  using HandlerFactory =
      std::function<std::unique_ptr<LoopHandler>(unsigned loop)>;

  /// Binds every address and reads every certificate; nothing is accepted yet
  /// (the kernel queues).
  ///   kUnavailable      an address that cannot be bound, by name.
  ///   kInvalidArgument  an address that is none, or TLS files or options that
  ///                     cannot be used, by name.
  static Result<std::unique_ptr<Server>> create(
      std::vector<ListenerOptions> listeners, unsigned loops,
      HandlerFactory factory);

  /// Detached exchanges must have been completed before.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The bound addresses in the order of the options, with the real port where
  /// 0 was asked. Any thread.
  std::vector<std::string> addresses() const;

  /// Starts the loops' threads, and returns when stop() has ended them. Once.
  void run();

  /// Graceful: accepts no more, closes idle connections, answers what is in
  /// flight (with Connection: close, with GOAWAY) and cuts what is left after
  /// `grace`. Does not wait: run() returns. Any thread, also before run().
  void stop(std::chrono::milliseconds grace);

  /// Reads the certificate files of every TLS listener again, for connections
  /// to come. On an error all keep what they had.
  ///   kInvalidArgument  a file that cannot be used, by name. Any thread.
  Result<void> reload_tls();

  /// Runs `task` on the thread of loop `loop`; dropped once that has ended. Any
  /// thread.
  void post(unsigned loop, std::function<void()> task);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::net
