#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/settings.h"
#include "cli/value.h"
#include "net/client.h"

namespace bulla::cli {

using Query = std::vector<std::pair<std::string, std::string>>;

/// One call of the HTTP API.
struct ApiRequest {
  std::string method = "GET";
  std::string path;  ///< Below /v1/, not encoded: "sys/init".
  Query query = {};
  Value body = {};         ///< Null sends none.
  bool user_data = false;  ///< The body's strings came from the user: no one
                           ///< else may see them, not even as a curl command.
  bool with_token = true;
  /// A body that is no JSON, in place of `body`; no one's secret.
  std::string bytes = {};
  /// Takes as long as it takes, and is not to be sent twice: no time-out but
  /// this, no retries. 0: as the settings say.
  std::chrono::milliseconds once_within{0};
};

/// An answer of 2xx, or of 404 that carries data.
struct ApiAnswer {
  int status = 0;
  Value json;       ///< Null where the body is empty or no JSON.
  std::string raw;  ///< The body where it is no JSON.
};

/// Why there is no answer to go on with.
struct ApiFailure {
  enum class Kind : std::uint8_t {
    kLocal,      ///< Never sent.
    kTransport,  ///< No answer came.
    kStatus,     ///< The server said no.
    kShown,      ///< -output-…: printed, and that was all.
    kWrapped,    ///< The answer is kept under a token, as -wrap-ttl asked.
  };
  Kind kind = Kind::kLocal;
  std::string method;
  std::string url;
  std::string path;                 ///< Below /v1/.
  int status = 0;                   ///< kStatus
  std::vector<std::string> errors;  ///< kStatus, from the body.
  std::string message;              ///< Otherwise; or a body that is no JSON.
  Value wrapped;                    ///< kWrapped: what tells of the token.
  bool had_token = false;
};

template <typename T>
using ApiResult = tl::expected<T, ApiFailure>;

/// Calls the API as Vault's own client does: X-Vault-* headers, at most
/// settings.retries_max retries a second apart (on no answer, 412, 429 and 5xx
/// but 501), one redirect unless those are off.
class ApiClient {
 public:
  using Send =
      std::function<Result<net::ClientResponse>(const net::ClientRequest&)>;
  using Sleep = std::function<void(std::chrono::milliseconds)>;
  using Print = std::function<void(std::string_view)>;

  /// `settings` outlives the client. `print` takes the text of -output-….
  ApiClient(const Settings& settings, Send send, Sleep sleep, Print print)
      : settings_(settings),
        send_(std::move(send)),
        sleep_(std::move(sleep)),
        print_(std::move(print)) {}

  /// Sends `request` and wipes its body.
  ApiResult<ApiAnswer> call(ApiRequest request);

  ApiResult<ApiAnswer> get(std::string path) {
    return call({.method = "GET", .path = std::move(path)});
  }
  ApiResult<ApiAnswer> put(std::string path, Value body = Value::object()) {
    return call(
        {.method = "PUT", .path = std::move(path), .body = std::move(body)});
  }
  ApiResult<ApiAnswer> remove(std::string path) {
    return call({.method = "DELETE", .path = std::move(path)});
  }
  ApiResult<ApiAnswer> list(std::string path, Query more = {}) {
    more.insert(more.begin(), {"list", "true"});
    return call({.path = std::move(path), .query = std::move(more)});
  }

  /// Tries this token from now on.
  void use_token(SecretBytes token) { other_token_ = std::move(token); }

 private:
  const SecretBytes& token() const;
  std::string url_of(const ApiRequest& request) const;
  net::ClientRequest prepare(ApiRequest& request) const;
  Result<net::ClientResponse> send_with_retries(net::ClientRequest& wire,
                                                int retries_max);
  ApiResult<ApiAnswer> judge(const ApiRequest& request,
                             const net::ClientResponse& response) const;
  ApiFailure failure(ApiFailure::Kind kind, const ApiRequest& request) const;

  const Settings& settings_;
  Send send_;
  Sleep sleep_;
  Print print_;
  SecretBytes other_token_;
};

/// Segments that would climb or be dropped ("..", ".") never leave this side:
/// the request would go elsewhere than it says.
bool is_relative_path(std::string_view path);

/// `request` as a curl command: variables ($VAULT_TOKEN, $KEY) in place of the
/// token, of secrets and of all that the user typed as data.
std::string curl_string(const ApiRequest& request, const std::string& url,
                        const Settings& settings);

/// The stanza of a policy that allows `request`.
std::string policy_string(const ApiRequest& request);

}  // namespace bulla::cli
