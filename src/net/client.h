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
  std::chrono::milliseconds timeout = std::chrono::seconds(60);  ///< In all.
  std::string ca_file;      ///< PEM bundle; "" for the system's.
  std::string ca_path;      ///< Hashed directory; "" for the system's.
  std::string client_cert;  ///< PEM file; "" for none.
  std::string client_key;   ///< PEM file.
  std::string server_name;  ///< For SNI and verification; "" for the URL's.
  bool skip_verify = false;
  /// Follows one redirect (301, 302, 303, 307, 308) with the same method, body
  /// and headers; never from https to http.
  bool follow_redirect = false;
  /// Answers with a longer body are kTooLarge.
  std::size_t answer_bytes = std::size_t{64} << 20;
};

struct ClientResponse {
  int status = 0;
  /// In their order, names in lower case.
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
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::net
