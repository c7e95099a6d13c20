#include "cli/api_client.h"

#include <algorithm>

#include "base/bytes.h"
#include "net/url.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kPathCharacters = "/:@!$&'()*+,;=";
constexpr std::chrono::milliseconds kBackoff = std::chrono::seconds(1);
constexpr std::size_t kRawBytesShown = 1024;

bool is_worth_retrying(const Result<net::ClientResponse>& response) {
  if (!response) return response.error().code() == ErrorCode::kUnavailable;
  const int status = response->status;
  return status == 412 || status == 429 || (status >= 500 && status != 501);
}

// A certificate that was refused will be refused again.
bool is_final(const Result<net::ClientResponse>& response) {
  return !response &&
         response.error().message().find("certificate") != std::string::npos;
}

void wipe_text(std::string& text) {
  bulla::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

bool looks_like_json(std::string_view body) {
  const auto first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos &&
         (body[first] == '{' || body[first] == '[');
}

bool carries_data(const Value& json) {
  const Value* const data = json.find("data");
  const Value* const warnings = json.find("warnings");
  return (data != nullptr && !data->items.empty()) ||
         (warnings != nullptr && !warnings->items.empty());
}

bool is_wrapped(const Value& json) {
  const Value* const info = json.find("wrap_info");
  return info != nullptr && !info->is_null();
}

}  // namespace

bool is_relative_path(std::string_view path) {
  while (true) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

const SecretBytes& ApiClient::token() const {
  return other_token_.empty() ? settings_.token : other_token_;
}

std::string ApiClient::url_of(const ApiRequest& request) const {
  std::string url = settings_.address + "/v1/" +
                    net::percent_encode(request.path, kPathCharacters);
  char separator = '?';
  for (const auto& [key, value] : request.query) {
    url += separator;
    url += net::percent_encode(key) + "=" + net::percent_encode(value);
    separator = '&';
  }
  return url;
}

net::ClientRequest ApiClient::prepare(ApiRequest& request) const {
  net::ClientRequest wire;
  wire.method = request.method;
  wire.url = url_of(request);
  wire.headers = settings_.headers;
  wire.headers.emplace_back("X-Vault-Request", "true");
  if (request.with_token && !token().empty()) {
    wire.headers.emplace_back("X-Vault-Token", to_text(token().expose()));
  }
  if (!settings_.namespace_name.empty()) {
    wire.headers.emplace_back("X-Vault-Namespace", settings_.namespace_name);
  }
  if (settings_.policy_override) {
    wire.headers.emplace_back("X-Vault-Policy-Override", "true");
  }
  for (const std::string& method : settings_.mfa) {
    wire.headers.emplace_back("X-Vault-MFA", method);
  }
  if (!settings_.wrap_ttl.empty()) {
    wire.headers.emplace_back("X-Vault-Wrap-TTL", settings_.wrap_ttl);
  }
  if (!request.body.is_null()) {
    wire.headers.emplace_back("Content-Type",
                              request.method == "PATCH"
                                  ? "application/merge-patch+json"
                                  : "application/json");
    wire.body = to_json(request.body);
  }
  if (!request.bytes.empty()) {
    wire.headers.emplace_back("Content-Type", "application/octet-stream");
    wire.body = std::move(request.bytes);
  }
  wire.timeout = settings_.timeout;
  if (request.once_within.count() != 0) wire.timeout = request.once_within;
  wire.ca_file = settings_.ca_cert;
  wire.ca_path = settings_.ca_path;
  wire.client_cert = settings_.client_cert;
  wire.client_key = settings_.client_key;
  wire.server_name = settings_.tls_server_name;
  wire.skip_verify = settings_.tls_skip_verify;
  wire.follow_redirect = !settings_.disable_redirects;
  return wire;
}

Result<net::ClientResponse> ApiClient::send_with_retries(
    net::ClientRequest& wire, int retries_max) {
  auto response = send_(wire);
  for (int i = 0; i < retries_max; ++i) {
    if (!is_worth_retrying(response) || is_final(response)) break;
    sleep_(kBackoff + kBackoff / 4 * i);
    response = send_(wire);
  }
  wipe_text(wire.body);
  for (auto& header : wire.headers) wipe_text(header.second);
  return response;
}

ApiFailure ApiClient::failure(ApiFailure::Kind kind,
                              const ApiRequest& request) const {
  ApiFailure failure;
  failure.kind = kind;
  failure.method = request.method;
  failure.url = url_of(request);
  failure.path = request.path;
  failure.had_token = request.with_token && !token().empty();
  return failure;
}

ApiResult<ApiAnswer> ApiClient::judge(
    const ApiRequest& request, const net::ClientResponse& response) const {
  ApiAnswer answer;
  answer.status = response.status;
  const bool json = looks_like_json(response.body);
  auto parsed = json ? parse_value(response.body) : Result<Value>(Value());
  const bool success = response.status >= 200 && response.status < 300;
  if (success && !parsed) {
    auto refused = failure(ApiFailure::Kind::kTransport, request);
    refused.message = "the answer cannot be read: " + parsed.error().message();
    return tl::unexpected(std::move(refused));
  }
  if (parsed) answer.json = *std::move(parsed);
  if (!json) answer.raw = response.body;
  if (success && is_wrapped(answer.json)) {
    auto wrapped = failure(ApiFailure::Kind::kWrapped, request);
    wrapped.message = "the answer is wrapped: repeat it without -wrap-ttl";
    wrapped.wrapped = std::move(answer.json);
    return tl::unexpected(std::move(wrapped));
  }
  if (success) return answer;
  if (response.status == 404 && carries_data(answer.json)) return answer;
  auto refused = failure(ApiFailure::Kind::kStatus, request);
  refused.status = response.status;
  const Value* const errors = answer.json.find("errors");
  if (errors != nullptr) {
    refused.errors = errors->as_strings();
    return tl::unexpected(std::move(refused));
  }
  refused.message = response.body.substr(0, kRawBytesShown);
  return tl::unexpected(std::move(refused));
}

ApiResult<ApiAnswer> ApiClient::call(ApiRequest request) {
  if (is_relative_path(request.path)) {
    auto refused = failure(ApiFailure::Kind::kLocal, request);
    refused.message = "the path must not have . or .. for a segment";
    return tl::unexpected(std::move(refused));
  }
  if (settings_.output_policy) {
    print_(policy_string(request) + "\n");
    return tl::unexpected(failure(ApiFailure::Kind::kShown, request));
  }
  if (settings_.output_curl_string) {
    print_(curl_string(request, url_of(request), settings_) + "\n");
    return tl::unexpected(failure(ApiFailure::Kind::kShown, request));
  }
  net::ClientRequest wire = prepare(request);
  wipe(request.body);
  const bool once = request.once_within.count() != 0;
  const auto response =
      send_with_retries(wire, once ? 0 : settings_.retries_max);
  if (response) return judge(request, *response);
  const bool local = response.error().code() == ErrorCode::kInvalidArgument;
  auto refused = failure(
      local ? ApiFailure::Kind::kLocal : ApiFailure::Kind::kTransport, request);
  refused.message = response.error().message();
  return tl::unexpected(std::move(refused));
}

}  // namespace bulla::cli
