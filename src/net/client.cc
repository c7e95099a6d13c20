#include "net/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "base/secret_bytes.h"
#include "net/message.h"

namespace bulla::net {
namespace {

constexpr std::size_t kHeaderBytesMax = std::size_t{256} << 10;
constexpr std::size_t kAnswerBytesFirst = std::size_t{64} << 10;
constexpr int kRedirectsMax = 1;

// Once a process, before threads use the library.
bool initialise_curl() {
  static const bool ok = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ok;
}

struct Receiver {
  ClientResponse response;
  std::size_t body_max = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t receive_body(char* data, std::size_t, std::size_t size,
                         void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  if (size > receiver.body_max - receiver.response.body.size()) {
    receiver.too_large = true;
    return 0;
  }
  receiver.response.body.append(data, size);
  return size;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::size_t receive_header(char* data, std::size_t, std::size_t size,
                           void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  const std::string_view line(data, size);
  receiver.header_bytes += size;
  if (receiver.header_bytes > kHeaderBytesMax) {
    receiver.too_large = true;
    return 0;
  }
  // Each answer of a chain (100 Continue, a redirect) begins anew.
  if (line.starts_with("HTTP/")) receiver.response.headers.clear();
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  receiver.response.headers.emplace_back(
      std::move(name), std::string(trimmed(line.substr(colon + 1))));
  return size;
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return c == '\r' || c == '\n' || c == '\0';
  });
}

// Header lines carry tokens.
void wipe_and_free(curl_slist* list) {
  for (const auto* item = list; item != nullptr; item = item->next) {
    const std::string_view line(item->data);
    wipe({reinterpret_cast<std::uint8_t*>(item->data), line.size()});
  }
  curl_slist_free_all(list);
}

using SlistPtr = std::unique_ptr<curl_slist, decltype(&wipe_and_free)>;

Result<SlistPtr> header_list(const ClientRequest& request) {
  SlistPtr list(nullptr, &wipe_and_free);
  const auto append = [&list](std::string line) {
    auto* const longer = curl_slist_append(list.get(), line.c_str());
    wipe({reinterpret_cast<std::uint8_t*>(line.data()), line.size()});
    if (longer == nullptr) return false;
    static_cast<void>(list.release());
    list.reset(longer);
    return true;
  };
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !is_clean(name) || !is_clean(value)) {
      return fail(invalid_argument("header \"" + name + "\" cannot be sent"));
    }
    // curl wants a semicolon for a header without a value.
    if (!append(value.empty() ? name + ";" : name + ": " + value)) {
      return fail(internal_error("out of memory"));
    }
  }
  // No pause before a large body, and no type that the caller did not say.
  if (!append("Expect:")) return fail(internal_error("out of memory"));
  const bool typed = std::any_of(
      request.headers.begin(), request.headers.end(),
      [](const auto& header) { return iequals(header.first, "content-type"); });
  if (!typed && !append("Content-Type:")) {
    return fail(internal_error("out of memory"));
  }
  return list;
}

}  // namespace

std::string_view ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

struct HttpClient::Impl {
  CURL* curl = nullptr;
  std::array<char, CURL_ERROR_SIZE> reason{};
  SlistPtr connect_to{nullptr, &wipe_and_free};  ///< curl only views it.

  Impl() {
    if (initialise_curl()) curl = curl_easy_init();
  }
  ~Impl() { curl_easy_cleanup(curl); }

  void set_request(const ClientRequest& request);
  void set_tls(const ClientRequest& request);
  Result<std::string> set_server_name(const ClientRequest& request);
  Result<void> perform(Receiver& receiver, const std::string& url);
};

void HttpClient::Impl::set_request(const ClientRequest& request) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" ||
             request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  if (!request.follow_redirect) return;
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, long{kRedirectsMax});
  curl_easy_setopt(curl, CURLOPT_POSTREDIR, long{CURL_REDIR_POST_ALL});
  const bool tls = request.url.starts_with("https:");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
                   tls ? "https" : "http,https");
}

void HttpClient::Impl::set_tls(const ClientRequest& request) {
  const auto set = [this](CURLoption option, const std::string& value) {
    if (!value.empty()) curl_easy_setopt(curl, option, value.c_str());
  };
  set(CURLOPT_CAINFO, request.ca_file);
  set(CURLOPT_CAPATH, request.ca_path);
  // One of the two named replaces the system's bundle, which would be added.
  if (!request.ca_path.empty() && request.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, nullptr);
  }
  if (!request.ca_file.empty() && request.ca_path.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  set(CURLOPT_SSLCERT, request.client_cert);
  set(CURLOPT_SSLKEY, request.client_key);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (!request.skip_verify) return;
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

// curl takes the name to verify from the URL: the URL is given that name, and
// the connection is led back to where it was to go.
Result<std::string> HttpClient::Impl::set_server_name(
    const ClientRequest& request) {
  if (request.server_name.empty()) return request.url;
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(
      curl_url(), &curl_url_cleanup);
  char* host = nullptr;
  if (!url || curl_url_set(url.get(), CURLUPART_URL, request.url.c_str(), 0) ||
      curl_url_get(url.get(), CURLUPART_HOST, &host, 0)) {
    return fail(invalid_argument("the URL cannot be used"));
  }
  const std::string target = "::" + std::string(host) + ":";
  curl_free(host);
  char* text = nullptr;
  if (curl_url_set(url.get(), CURLUPART_HOST, request.server_name.c_str(), 0) ||
      curl_url_get(url.get(), CURLUPART_URL, &text, 0)) {
    return fail(invalid_argument("the server name cannot be used"));
  }
  std::string renamed(text);
  curl_free(text);
  connect_to.reset(curl_slist_append(nullptr, target.c_str()));
  curl_easy_setopt(curl, CURLOPT_CONNECT_TO, connect_to.get());
  return renamed;
}

Result<void> HttpClient::Impl::perform(Receiver& receiver,
                                       const std::string& url) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &receive_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
  reason[0] = '\0';
  const auto code = curl_easy_perform(curl);
  if (receiver.too_large) {
    return fail(ErrorCode::kTooLarge, "the answer is too large");
  }
  if (code != CURLE_OK) {
    std::string why = reason[0] == '\0' ? curl_easy_strerror(code)
                                        : std::string(reason.data());
    const bool ours =
        code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    return fail(ours ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable,
                std::move(why));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  receiver.response.status = static_cast<int>(status);
  return {};
}

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {}
HttpClient::~HttpClient() = default;

Result<ClientResponse> HttpClient::send(const ClientRequest& request) {
  if (impl_->curl == nullptr) return fail(internal_error("curl is not usable"));
  if (!is_clean(request.method) || request.method.empty()) {
    return fail(invalid_argument("the method cannot be sent"));
  }
  curl_easy_reset(impl_->curl);  // Keeps connections, forgets options.
  TRY_ASSIGN(const auto headers, header_list(request));
  impl_->set_request(request);
  impl_->set_tls(request);
  TRY_ASSIGN(const auto url, impl_->set_server_name(request));
  curl_easy_setopt(impl_->curl, CURLOPT_HTTPHEADER, headers.get());
  Receiver receiver;
  receiver.body_max = request.answer_bytes;
  // A short answer then lies in one place only, which its reader can wipe.
  receiver.response.body.reserve(
      std::min(request.answer_bytes, kAnswerBytesFirst));
  TRY(impl_->perform(receiver, url));
  return std::move(receiver.response);
}

}  // namespace bulla::net
