#include "kek/remote_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/secret_bytes.h"

namespace bulla::kek {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstPause{100};

milliseconds left_until(Deadline deadline) {
  return std::chrono::duration_cast<milliseconds>(deadline -
                                                  steady_clock::now());
}

// Whether a pause of that length still leaves time for an attempt.
bool pause(milliseconds length, Deadline deadline) {
  if (left_until(deadline) <= length) return false;
  std::this_thread::sleep_for(length);
  return true;
}

// What the client says of an answer or a URL that it does not take is for us
// another way of not being reached.
Error as_unavailable(Error error) { return unavailable(error.message()); }

}  // namespace

void wipe_text(std::string& text) {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  text.clear();
}

SecretRequest::~SecretRequest() {
  wipe_text(body);
  for (auto& [name, value] : headers) wipe_text(value);
}

void SecretRequest::use(const RemoteTls& tls) {
  ca_file = tls.ca_file;
  ca_path = tls.ca_path;
  client_cert = tls.client_cert;
  client_key = tls.client_key;
  server_name = tls.server_name;
  skip_verify = tls.skip_verify;
}

void SecretRequest::add_secret(std::string name, ByteView value) {
  headers.emplace_back(std::move(name), to_text(value));
}

SecretResponse::~SecretResponse() { wipe_text(body); }

Result<SecretResponse> call_remote(
    SecretRequest& request, const CallLimits& limits,
    const std::function<bool(const net::ClientResponse&)>& worth_repeating) {
  request.answer_bytes = CallLimits::kAnswerBytesMax;
  net::HttpClient client;
  milliseconds wait = kFirstPause;
  Error last = unavailable("no time was left to ask");
  for (int attempt = 1;; ++attempt, wait *= 2) {
    const milliseconds left = left_until(limits.deadline);
    // To the client, a timeout of 0 is none.
    if (left <= milliseconds::zero()) return fail(std::move(last));
    request.timeout = std::min(left, CallLimits::kAttemptTimeout);
    auto answer = client.send(request);
    const bool final_try = attempt >= limits.attempts;
    if (answer) {
      SecretResponse response(*std::move(answer));
      if (final_try || !worth_repeating(response) ||
          !pause(wait, limits.deadline)) {
        return response;
      }
      continue;
    }
    const bool repeat = answer.error().code() == ErrorCode::kUnavailable;
    last = as_unavailable(std::move(answer).error());
    if (final_try || !repeat || !pause(wait, limits.deadline)) {
      return fail(std::move(last));
    }
  }
}

Result<std::string> base_url(std::string_view what, std::string_view text) {
  const bool scheme =
      text.starts_with("http://") || text.starts_with("https://");
  const std::size_t host = text.find("//") + 2;
  const bool clean = std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < '\x7f' && c != '?' && c != '#' && c != '@';
  });
  if (!scheme || !clean || host >= text.size() || text[host] == '/') {
    return fail(invalid_argument(fmt::format(
        "{}: expected a URL such as https://vault.example:8200", what)));
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace bulla::kek
