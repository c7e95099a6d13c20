#include "net/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

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
  CURLM* multi = nullptr;   ///< Where HTTP/2 is run.
  bool speaks_h2c = false;  ///< The connection that is kept, if it still is.
  std::array<char, CURL_ERROR_SIZE> reason{};
  SlistPtr connect_to{nullptr, &wipe_and_free};  ///< curl only views it.

  Impl() {
    if (initialise_curl()) curl = curl_easy_init();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (multi != nullptr) {
      curl_multi_remove_handle(multi, curl);
      curl_multi_cleanup(multi);
    }
    curl_easy_cleanup(curl);
  }

  long h2c_version() const;
  bool was_http1() const;
  void set_request(const ClientRequest& request);
  void set_tls(const ClientRequest& request);
  Result<std::string> set_server_name(const ClientRequest& request);
  void set_receiver(Receiver& receiver, const std::string& url);
  Error failed(const Receiver& receiver, CURLcode code) const;
  bool ready_multi() {
    if (multi == nullptr) multi = curl_multi_init();
    return multi != nullptr;
  }
  std::optional<CURLcode> step();
  CURLcode run_multi();
  Result<void> perform(Receiver& receiver, const std::string& url, bool http2);
};

// libcurl 7.88 cannot use a plain connection again that began with HTTP/2, when
// told to begin with it; when told to ask for it, it does not ask on that one.
long HttpClient::Impl::h2c_version() const {
  const unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
  const bool faulty = version >> 8 == 0x0758;
  return faulty && speaks_h2c ? long{CURL_HTTP_VERSION_2_0}
                              : long{CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE};
}

// It was told to ask, and the connection had ended.
bool HttpClient::Impl::was_http1() const {
  long version = 0;
  curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
  return version != 0 && version < CURL_HTTP_VERSION_2_0;
}

void HttpClient::Impl::set_request(const ClientRequest& request) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(request.timeout.count()));
  if (request.http2) {
    const bool tls = request.url.starts_with("https:");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                     tls ? long{CURL_HTTP_VERSION_2TLS} : h2c_version());
  }
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

void HttpClient::Impl::set_receiver(Receiver& receiver,
                                    const std::string& url) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &receive_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
  reason[0] = '\0';
}

Error HttpClient::Impl::failed(const Receiver& receiver, CURLcode code) const {
  if (receiver.too_large) {
    return {ErrorCode::kTooLarge, "the answer is too large"};
  }
  std::string why =
      reason[0] == '\0' ? curl_easy_strerror(code) : std::string(reason.data());
  const bool ours =
      code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
  return {ours ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable,
          std::move(why)};
}

/// One turn of what is running; how it ended, when it has.
std::optional<CURLcode> HttpClient::Impl::step() {
  int running = 0;
  const CURLMcode turned = curl_multi_perform(multi, &running);
  if (turned != CURLM_OK) return CURLE_FAILED_INIT;
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return std::nullopt;
}

// libcurl 7.88 forgets, when it waits, that it holds some of a long answer
// already: there is nothing to wait for while a turn brings more.
CURLcode HttpClient::Impl::run_multi() {
  constexpr int kWaitMillis = 1000;
  if (!ready_multi() || curl_multi_add_handle(multi, curl) != CURLM_OK) {
    return CURLE_FAILED_INIT;
  }
  std::optional<CURLcode> ended;
  curl_off_t before = -1;
  while (!(ended = step())) {
    curl_off_t now = 0;
    curl_easy_getinfo(curl, CURLINFO_SIZE_DOWNLOAD_T, &now);
    if (now == before) {
      curl_multi_poll(multi, nullptr, 0, kWaitMillis, nullptr);
    }
    before = now;
  }
  curl_multi_remove_handle(multi, curl);
  return *ended;
}

Result<void> HttpClient::Impl::perform(Receiver& receiver,
                                       const std::string& url, bool http2) {
  set_receiver(receiver, url);
  const auto code = http2 ? run_multi() : curl_easy_perform(curl);
  if (code != CURLE_OK || receiver.too_large) {
    return fail(failed(receiver, code));
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
  const auto done = impl_->perform(receiver, url, request.http2);
  if (!request.http2) {
    TRY(done);
    return std::move(receiver.response);
  }
  const bool again = impl_->speaks_h2c && done && impl_->was_http1();
  impl_->speaks_h2c = done && !again;
  if (again) return send(request);
  TRY(done);
  return std::move(receiver.response);
}

struct HttpStream::Impl {
  ClientRequest request;  ///< curl only views its body.
  SlistPtr headers{nullptr, &wipe_and_free};
  Receiver receiver;
  std::optional<Error> ended;
  HttpClient::Impl client;  ///< Last: it views the others.

  void step();
};

void HttpStream::Impl::step() {
  const auto code = client.step();
  long status = 0;
  curl_easy_getinfo(client.curl, CURLINFO_RESPONSE_CODE, &status);
  receiver.response.status = static_cast<int>(status);
  if (!code) return;
  ended = *code == CURLE_OK && !receiver.too_large
              ? unavailable("the answer has ended")
              : client.failed(receiver, *code);
}

HttpStream::HttpStream() : impl_(std::make_unique<Impl>()) {}
HttpStream::~HttpStream() = default;

Result<void> HttpStream::open(const ClientRequest& request) {
  if (impl_->client.curl == nullptr || !impl_->client.ready_multi()) {
    return fail(internal_error("curl is not usable"));
  }
  impl_->request = request;
  TRY_ASSIGN(impl_->headers, header_list(request));
  impl_->client.set_request(impl_->request);
  impl_->client.set_tls(impl_->request);
  TRY_ASSIGN(const auto url, impl_->client.set_server_name(impl_->request));
  auto* const curl = impl_->client.curl;
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, impl_->headers.get());
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  impl_->receiver.body_max = request.answer_bytes;
  impl_->client.set_receiver(impl_->receiver, url);
  curl_multi_add_handle(impl_->client.multi, curl);
  return {};
}

Result<std::string> HttpStream::read(std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    if (!impl_->ended) impl_->step();
    if (!impl_->receiver.response.body.empty()) {
      return std::exchange(impl_->receiver.response.body, {});
    }
    if (impl_->ended) return fail(*impl_->ended);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::string();
    curl_multi_poll(impl_->client.multi, nullptr, 0,
                    static_cast<int>(left.count()), nullptr);
  }
}

const ClientResponse& HttpStream::response() const {
  return impl_->receiver.response;
}

}  // namespace bulla::net
