#include "kek/transit_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/encoding.h"
#include "kek/secret_json.h"

namespace bulla::kek {
namespace {

constexpr std::string_view kPrefix = "vault:v";
constexpr std::int64_t kVersionMax = std::numeric_limits<std::int32_t>::max();

bool says(std::string_view body, std::string_view words) {
  return body.find(words) != std::string_view::npos;
}

bool says_forged(std::string_view body) {
  return says(body, "authentication failed");
}

Result<KekVersion> version_at(const JsonObject& object, const char* name) {
  std::int64_t number = 0;
  if (object.at_key(name).get(number) || number < 0 || number > kVersionMax) {
    return fail(strange_answer());
  }
  return static_cast<KekVersion>(number);
}

std::string_view what_was_done(TransitCall call) {
  switch (call) {
    case TransitCall::kRead:
      return "reading the key";
    case TransitCall::kEncrypt:
      return "encrypt";
    case TransitCall::kDecrypt:
      return "decrypt";
    case TransitCall::kRenew:
      return "renewing the token";
  }
  return {};
}

struct Meaning {
  ErrorCode code;
  std::string_view words;
};

Meaning meaning_of_bad_request(TransitCall call, std::string_view body) {
  if (says(body, "missing client token")) {
    return {ErrorCode::kPermissionDenied, "the token is missing"};
  }
  if (says(body, "key not found") || says(body, "soft deleted")) {
    return {ErrorCode::kNotFound, "the key is not there"};
  }
  if (says(body, "version")) {
    return {ErrorCode::kNotFound,
            "the key's version is not there or is disallowed"};
  }
  if (call == TransitCall::kDecrypt) {
    return {ErrorCode::kCorrupt, "the ciphertext is not one of this key"};
  }
  return {ErrorCode::kPermissionDenied,
          "refused; the key must be of a symmetric type and not derived"};
}

Meaning meaning_of(TransitCall call, int status, std::string_view body) {
  if (call == TransitCall::kDecrypt && says_forged(body) &&
      (status == 400 || status == 500)) {
    return {ErrorCode::kCorrupt,
            "the wrapped key does not open: wrong key or altered"};
  }
  switch (status) {
    case 400:
      return meaning_of_bad_request(call, body);
    case 401:
    case 403:
      return {ErrorCode::kPermissionDenied, "the token was refused"};
    case 404:
      return {ErrorCode::kNotFound, "no such key, mount or namespace is there"};
    case 503:
      return {ErrorCode::kUnavailable, "the server is sealed or standing by"};
    default:
      return {ErrorCode::kUnavailable, "the server does not work"};
  }
}

}  // namespace

Result<TransitKeyInfo> parse_transit_key(std::string_view body) {
  TRY_ASSIGN(const auto json, SecretJson::parse(body));
  TRY_ASSIGN(const JsonObject data, json.object("data"));
  TransitKeyInfo info;
  TRY_ASSIGN(info.latest, version_at(data, "latest_version"));
  TRY_ASSIGN(const auto encrypts, version_at(data, "min_encryption_version"));
  TRY_ASSIGN(const auto decrypts, version_at(data, "min_decryption_version"));
  info.oldest = std::max({encrypts, decrypts, KekVersion{1}});
  if (info.latest < info.oldest) return fail(strange_answer());
  return info;
}

Result<TransitCiphertext> parse_transit_ciphertext(std::string_view text) {
  if (!text.starts_with(kPrefix)) return fail(strange_answer());
  const std::string_view rest = text.substr(kPrefix.size());
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return fail(strange_answer());
  TransitCiphertext parsed;
  const char* const end = rest.data() + colon;
  const auto [stop, error] = std::from_chars(rest.data(), end, parsed.version);
  auto bytes = base64_decode(rest.substr(colon + 1));
  if (error != std::errc() || stop != end || !bytes || bytes->empty() ||
      bytes->size() > KekProvider::kBlobBytesMax || parsed.version == 0 ||
      parsed.version > kVersionMax) {
    return fail(strange_answer());
  }
  parsed.bytes = *std::move(bytes);
  if (transit_ciphertext(parsed.version, parsed.bytes) != text) {
    return fail(strange_answer());
  }
  return parsed;
}

std::string transit_ciphertext(KekVersion version, ByteView bytes) {
  return fmt::format("{}{}:{}", kPrefix, version, base64_encode(bytes));
}

Result<TransitCiphertext> parse_transit_encrypt(std::string_view body) {
  TRY_ASSIGN(const auto json, SecretJson::parse(body));
  TRY_ASSIGN(const JsonObject data, json.object("data"));
  TRY_ASSIGN(const auto text, text_at(data, "ciphertext"));
  return parse_transit_ciphertext(text);
}

Result<SecretBytes> parse_transit_decrypt(std::string_view body) {
  TRY_ASSIGN(const auto json, SecretJson::parse(body));
  TRY_ASSIGN(const JsonObject data, json.object("data"));
  return take_secret(data, "plaintext");
}

Result<TransitLease> parse_transit_lease(std::string_view body) {
  TRY_ASSIGN(const auto json, SecretJson::parse(body));
  TRY_ASSIGN(const JsonObject auth, json.object("auth"));
  TransitLease lease;
  if (auth.at_key("lease_duration").get(lease.seconds) ||
      auth.at_key("renewable").get(lease.renewable) || lease.seconds < 0) {
    return fail(strange_answer());
  }
  return lease;
}

Error transit_error(TransitCall call, int status, std::string_view body) {
  const Meaning meaning = meaning_of(call, status, body);
  return {meaning.code, fmt::format("{}: {} (HTTP {})", what_was_done(call),
                                    meaning.words, status)};
}

bool transit_worth_repeating(int status, std::string_view body) {
  return status == 429 || (status >= 500 && !says_forged(body));
}

}  // namespace bulla::kek
