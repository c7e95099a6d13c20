#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "kek/kek_provider.h"
#include "net/client.h"

namespace bulla::kek {

/// How a remote KEK proves itself, and we to it. Files are PEM.
struct RemoteTls {
  std::string ca_file;
  std::string ca_path;
  std::string client_cert;
  std::string client_key;
  std::string server_name;
  bool skip_verify = false;
};

/// How hard a call is tried.
struct CallLimits {
  static constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 10;
  static constexpr std::chrono::milliseconds kAttemptTimeout{10'000};

  Deadline deadline;
  int attempts = 5;
};

/// A request whose headers and body are overwritten when it goes: they carry a
/// token and the secret that is wrapped.
struct SecretRequest : net::ClientRequest {
  SecretRequest() = default;
  SecretRequest(const SecretRequest&) = delete;
  SecretRequest& operator=(const SecretRequest&) = delete;
  ~SecretRequest();

  void use(const RemoteTls& tls);
  /// Adds a header whose value is secret; leaves no copy of it behind.
  void add_secret(std::string name, ByteView value);
};

/// An answer whose body is overwritten when it goes.
struct SecretResponse : net::ClientResponse {
  explicit SecretResponse(net::ClientResponse response)
      : net::ClientResponse(std::move(response)) {}
  SecretResponse(SecretResponse&&) = default;
  SecretResponse& operator=(SecretResponse&&) = delete;
  ~SecretResponse();
};

/// Sends `request` until there is an answer that `worth_repeating` is false of,
/// with a pause that doubles, over a connection of its own. Any thread. The
/// last answer counts, when attempts or time run out; `request.timeout` is
/// ours.
///   kUnavailable  no answer, or one over kAnswerBytesMax, with the reason.
Result<SecretResponse> call_remote(
    SecretRequest& request, const CallLimits& limits,
    const std::function<bool(const net::ClientResponse&)>& worth_repeating);

/// "http://host…" or "https://host…" in visible ASCII, without "?" and "#"; the
/// slashes at its end are dropped.
///   kInvalidArgument  anything else; `what` names the option.
Result<std::string> base_url(std::string_view what, std::string_view text);

/// Overwrites `text`, and empties it.
void wipe_text(std::string& text);

}  // namespace bulla::kek
