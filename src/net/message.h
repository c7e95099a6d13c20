#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulla::net {

/// Bytes that may be read (not written) behind a request's body, as simdjson
/// wants them. Their content is unspecified.
inline constexpr std::size_t kBodyPadding = 64;

/// Headers a request may carry; more are refused with 431.
inline constexpr std::size_t kHeadersMax = 128;

enum class Method : std::uint8_t {
  kGet,
  kPost,
  kPut,
  kDelete,
  kPatch,
  kHead,
  kOptions,
  kList,
  kScan,
  kOther,
};

/// Methods are case-sensitive: "get" is kOther.
Method parse_method(std::string_view text);

/// Whether `a` and `b` differ in nothing but the case of ASCII letters.
bool iequals(std::string_view a, std::string_view b);

/// One header line: the name as it was sent in HTTP/1 (compare it with
/// iequals), lower-case in HTTP/2. The value has no white space around it.
struct Header {
  std::string_view name;
  std::string_view value;
};

/// The other end of a connection.
struct Peer {
  std::string address;  ///< Numeric, IPv4-mapped IPv6 given as IPv4.
  std::uint16_t port = 0;
  bool tls = false;
  /// DER of the certificate that the client proved to hold; empty without one.
  std::vector<std::uint8_t> client_certificate;
  /// Whether that certificate chains to the listener's client CA file.
  bool client_certificate_verified = false;
  /// The listener it came by: its place among those of Server::create.
  std::size_t listener = 0;
};

/// One request. Everything it views stays alive and unmoved until its exchange
/// is completed.
struct Request {
  Method method = Method::kOther;
  std::string_view method_text;
  std::string_view target;  ///< Raw: "/v1/sys/health?standbyok=1".
  std::span<const Header> headers;
  std::string_view body;  ///< kBodyPadding readable bytes follow.
  const Peer* peer = nullptr;
  int http_major = 1;  ///< 1 or 2.

  /// The first value of header `name` in any case; "" when it is absent.
  /// HTTP/2's :authority is found as "host".
  std::string_view header(std::string_view name) const;
};

/// One answer. Content-Length, Cache-Control: no-store (unless `headers` has a
/// Cache-Control) and what the connection needs are added when it is sent; a
/// body is dropped for HEAD, 204 and 304. Control characters in header values
/// are sent as spaces.
struct Response {
  int status = 200;
  std::string content_type = "application/json";  ///< "" sends none.
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Extra ones.

  /// Back to an empty 200 of application/json; keeps its memory.
  void reset();
};

/// One request and its answer. Belongs to one event loop, on whose thread it is
/// used unless a method says otherwise.
class Exchange {
 public:
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const { return request_; }
  /// Empty (Response::reset()) when handle() gets it.
  Response& response() { return response_; }

  /// Called inside handle(): the answer comes through complete(). From then on
  /// the exchange, but nothing else of the loop, belongs to whoever completes
  /// it.
  void detach() { detached_ = true; }
  bool detached() const { return detached_; }

  /// Ends a detached exchange, once: the owning loop sends response(). Any
  /// thread, also before handle() has returned; safe when the peer has gone.
  /// Neither the exchange nor its request may be touched afterwards.
  virtual void complete() = 0;

 protected:
  Exchange() = default;
  virtual ~Exchange() = default;

  Request request_;
  Response response_;
  bool detached_ = false;
};

/// What answers requests: one for each event loop, used only on its thread.
class LoopHandler {
 public:
  virtual ~LoopHandler() = default;

  /// Fills exchange.response() or calls exchange.detach(). Must not block.
  virtual void handle(Exchange& exchange) = 0;

  /// Once a loop turn that has something to send, after its requests were
  /// handled and before any of their answers (or those of exchanges completed
  /// meanwhile) leaves. False: every answer of the turn is replaced by
  /// 500 {"errors":["internal error"]}.
  virtual bool before_send() = 0;
};

}  // namespace bulla::net
