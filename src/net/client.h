#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bulla::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  ///< http:// or https://; nothing else is spoken.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// In all; 0 of a stream: it lasts.
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
  std::string ca_file;      ///< PEM bundle; "" for the system's.
  std::string ca_path;      ///< Hashed directory; "" for the system's.
  std::string client_cert;  ///< PEM file; "" for none.
  std::string client_key;   ///< PEM file.
  std::string server_name;  ///< For SNI and verification; "" for the URL's.
  bool skip_verify = false;
  /// HTTP/2 without asking, as gRPC wants it: a server that answers in HTTP/1
  /// is taken not to have run the request.
  bool http2 = false;
  /// Follows one redirect (301, 302, 303, 307, 308) with the same method, body
  /// and headers; never from https to http.
  bool follow_redirect = false;
  /// Answers with a longer body are kTooLarge.
  std::size_t answer_bytes = std::size_t{64} << 20;
};

struct ClientResponse {
  int status = 0;
  /// In their order, names in lower case; trailers behind them.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The first value of header `name` (lower case); "" when it is absent.
  std::string_view header(std::string_view name) const;
};

/// A synchronous HTTP client that keeps its connections. One thread at a time.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any status is an answer. Errors never hold a header's value or a body.
  ///   kInvalidArgument  a URL or a header that cannot be sent.
  ///   kUnavailable      no answer: not resolved, refused, not verified, timed
  ///                     out, with the reason.
  ///   kTooLarge         the answer is longer than answer_bytes.
  Result<ClientResponse> send(const ClientRequest& request);

 private:
  friend class HttpStream;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// An answer that is read while it arrives. One thread at a time.
class HttpStream {
 public:
  HttpStream();
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  /// Once a stream. Sends with the first read(). No redirects.
  ///   kInvalidArgument  a URL or a header that cannot be sent.
  Result<void> open(const ClientRequest& request);
  /// What came of the body since, waiting for some; "" when none came in time.
  ///   kUnavailable  there is no answer, or it has ended.
  ///   kTooLarge     more than answer_bytes came at once.
  Result<std::string> read(std::chrono::milliseconds wait);
  /// Its status and headers so far.
  const ClientResponse& response() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::net
