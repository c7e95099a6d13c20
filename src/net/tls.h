#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "base/result.h"
#include "net/server.h"

namespace bulla::net {

/// What a non-blocking step came to.
enum class IoStatus { kDone, kWantRead, kWantWrite, kClosed };
struct Io {
  IoStatus status;
  std::size_t bytes = 0;
};

using SslContextPtr = std::shared_ptr<SSL_CTX>;

/// Builds a server's context from `options`.
///   kInvalidArgument  a file or an option that cannot be used, by name.
Result<SslContextPtr> make_tls_context(const TlsOptions& options);

/// A listener's context, replaced when its files are read again. Any thread.
class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> create(TlsOptions options);

  SslContextPtr current() const;
  /// Reads the files; the result is used once replace() gets it.
  Result<SslContextPtr> load() const { return make_tls_context(options_); }
  void replace(SslContextPtr context);

 private:
  TlsContext(TlsOptions options, SslContextPtr context)
      : options_(std::move(options)), current_(std::move(context)) {}

  const TlsOptions options_;
  mutable std::mutex mutex_;
  SslContextPtr current_;
};

/// The server's side of TLS on a non-blocking socket that it does not own.
class TlsStream {
 public:
  /// Null when OpenSSL has no memory.
  static std::unique_ptr<TlsStream> create(const SslContextPtr& context,
                                           int fd);

  Io handshake();
  Io read(std::span<char> into);
  Io write(std::string_view bytes);
  /// Whether read() may give more without the socket having more.
  bool pending() const { return SSL_has_pending(ssl_.get()) == 1; }
  /// Sends close_notify, once, if that can be done now.
  void shutdown();

  bool chose_http2() const;
  /// Fills the peer's certificate, if it showed one.
  void describe(Peer& peer) const;
  /// Whether the handshake failed because the peer spoke plain HTTP.
  bool saw_plain_http() const { return saw_plain_http_; }

 private:
  explicit TlsStream(SSL* ssl) : ssl_(ssl, &SSL_free) {}
  Io failed(int result);

  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool broken_ = false;
  bool saw_plain_http_ = false;
};

}  // namespace bulla::net
