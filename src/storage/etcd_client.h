#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/client.h"

namespace bulla::storage {

/// Calls etcd's version 3 API: gRPC, of which a call is an HTTP/2 request with
/// a message of Protocol Buffers behind 5 bytes. Any thread.
class EtcdClient {
 public:
  struct Options {
    std::vector<std::string> endpoints;  ///< "http://HOST:PORT", https.
    std::string username;                ///< "": no authentication.
    SecretBytes password;
    std::string tls_ca_file;
    std::string tls_cert_file;
    std::string tls_key_file;
    std::chrono::milliseconds timeout{5000};  ///< Of a call to one endpoint.
    std::size_t max_parallel = 16;
  };

  explicit EtcdClient(Options options) : options_(std::move(options)) {}

  /// The answer of "KV/Range" and the like. One that changes nothing (`once`
  /// not set) is sent to each endpoint until one answers.
  ///   kUnavailable      none does, or the outcome of the one is unknown.
  ///   kInvalidArgument  too large for etcd.
  ///   kExhausted        its space is used up; nothing changed.
  ///   kNotFound         no such lease.
  ///   kConflict         the revision asked for is compacted away.
  ///   kCorrupt, kInternal
  Result<std::string> call(std::string_view method, const std::string& message,
                           bool once = false);

  /// A call whose answers are read by the caller, from the endpoint in use.
  Result<std::unique_ptr<net::HttpStream>> stream(std::string_view method,
                                                  const std::string& message);
  /// To the next endpoint, from the one that `stream` was of or any other.
  void next_endpoint() { ++endpoint_; }

  /// Takes one message off `buffer`; none when there is not a whole one yet.
  ///   kCorrupt  it is compressed or longer than any of etcd's.
  static Result<std::optional<std::string>> take_message(std::string& buffer);

 private:
  class Lease;

  net::ClientRequest request(std::string_view method,
                             const std::string& message,
                             const std::string& token) const;
  Result<std::string> send(std::string_view method, const std::string& message,
                           const std::string& token);
  Result<std::string> token();
  Result<std::string> authenticate();
  void forget_token(const std::string& token);

  Options options_;
  std::atomic<std::size_t> endpoint_{0};
  std::mutex mutex_;  // of what follows
  std::string token_;
  std::vector<std::unique_ptr<net::HttpClient>> idle_;
};

}  // namespace bulla::storage
