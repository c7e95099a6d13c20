#include "kek/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/encoding.h"
#include "base/time_format.h"
#include "crypto/hash.h"

namespace bulla::kek {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return made;
}

// Runs of spaces count as one.
std::string squeezed(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c != ' ' || made.empty() || made.back() != ' ') made += c;
  }
  return made;
}

// "20150830T123600Z".
std::string amz_time(Time now) {
  std::string text =
      format_rfc3339_nano(std::chrono::floor<std::chrono::seconds>(now));
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string hex_sha256(std::string_view text) {
  return hex_encode(crypto::sha256(as_bytes(text)));
}

crypto::Digest mac(ByteView key, std::string_view text) {
  return crypto::hmac(crypto::HashAlgorithm::kSha2_256, key, as_bytes(text));
}

crypto::Digest signing_key(const SecretBytes& secret, std::string_view day,
                           std::string_view region, std::string_view service) {
  constexpr std::string_view kStart = "AWS4";
  SecretBytes first(kStart.size() + secret.size());
  std::ranges::copy(as_bytes(kStart), first.expose_mutable().begin());
  std::ranges::copy(secret.expose(),
                    first.expose_mutable().begin() + kStart.size());
  crypto::Digest key = mac(first.expose(), day);
  for (const std::string_view part :
       {region, service, std::string_view("aws4_request")}) {
    crypto::Digest next = mac(key.view(), part);
    const WipeGuard guard(next.bytes);
    key = next;
  }
  return key;
}

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Canonical {
  std::string request;
  std::string header_names;
};

Canonical canonical_of(const AwsRequest& request, const Headers& added) {
  std::map<std::string, std::string> headers{
      {"host", std::string(request.host)}};
  for (const auto& list : {std::cref(request.headers), std::cref(added)}) {
    for (const auto& [name, value] : list.get()) {
      headers.emplace(lower(name), squeezed(value));
    }
  }
  Canonical made;
  made.request = fmt::format("{}\n{}\n\n", request.method, request.path);
  for (const auto& [name, value] : headers) {
    made.request += fmt::format("{}:{}\n", name, value);
    made.header_names += (made.header_names.empty() ? "" : ";") + name;
  }
  made.request +=
      fmt::format("\n{}\n{}", made.header_names, hex_sha256(request.body));
  return made;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sign_aws(
    const AwsRequest& request, const AwsCredentials& credentials,
    std::string_view region, std::string_view service, Time now) {
  const std::string time = amz_time(now);
  const std::string day = time.substr(0, 8);
  Headers added{{"X-Amz-Date", time}};
  if (!credentials.session_token.empty()) {
    added.emplace_back("X-Amz-Security-Token",
                       to_text(credentials.session_token.expose()));
  }
  const Canonical canonical = canonical_of(request, added);
  const std::string scope =
      fmt::format("{}/{}/{}/aws4_request", day, region, service);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time,
                                          scope, hex_sha256(canonical.request));
  crypto::Digest key =
      signing_key(credentials.secret_key, day, region, service);
  const WipeGuard guard(key.bytes);
  added.emplace_back(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}",
                  kAlgorithm, credentials.access_key, scope,
                  canonical.header_names,
                  hex_encode(mac(key.view(), to_sign).view())));
  return added;
}

}  // namespace bulla::kek
