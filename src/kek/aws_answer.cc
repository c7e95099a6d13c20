#include "kek/aws_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/time_format.h"
#include "kek/kek_provider.h"
#include "kek/secret_json.h"

namespace bulla::kek {
namespace {

constexpr std::size_t kArnBytesMax = 256;
constexpr std::size_t kErrorNameBytesMax = 64;

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
  });
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The text of the first element of that name; AWS writes none with attributes
// or entities where we look.
std::string_view element(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const auto begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  xml.remove_prefix(begin + open.size());
  const auto end = xml.find(fmt::format("</{}>", name));
  if (end == std::string_view::npos) return {};
  return xml.substr(0, end);
}

bool is_credential(std::string_view text) {
  return !text.empty() && is_visible(text) &&
         text.find_first_of("<&") == std::string_view::npos;
}

SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}

template <std::size_t N>
bool among(std::string_view name, const std::array<std::string_view, N>& list) {
  return std::ranges::find(list, name) != list.end();
}

constexpr std::array<std::string_view, 14> kTransient{
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "KMSInternalException",
    "InternalFailure",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "DependencyTimeoutException",
    "IDPCommunicationError",
    "KeyUnavailableException"};
constexpr std::array<std::string_view, 4> kGone{
    "NotFoundException", "DisabledException", "KMSInvalidStateException",
    "InvalidArnException"};
constexpr std::array<std::string_view, 2> kForged{"InvalidCiphertextException",
                                                  "IncorrectKeyException"};
constexpr std::array<std::string_view, 5> kRefused{
    "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException",
    "InvalidClientTokenId", "InvalidSignatureException"};

ErrorCode code_of(int status, std::string_view name) {
  if (among(name, kForged)) return ErrorCode::kCorrupt;
  if (among(name, kGone)) return ErrorCode::kNotFound;
  // An answer without AWS's own word is somebody else's.
  if (name.empty() || aws_worth_repeating(status, name)) {
    return ErrorCode::kUnavailable;
  }
  return ErrorCode::kPermissionDenied;
}

}  // namespace

std::optional<KmsArn> parse_kms_arn(std::string_view text) {
  if (text.size() > kArnBytesMax || !is_visible(text)) return std::nullopt;
  std::array<std::string_view, 6> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto end = i + 1 < parts.size() ? text.find(':') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    parts[i] = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  constexpr std::string_view kKey = "key/";
  if (parts[0] != "arn" || parts[2] != "kms" || parts[4].empty() ||
      !parts[5].starts_with(kKey) || parts[5].size() == kKey.size()) {
    return std::nullopt;
  }
  return KmsArn{parts[1], parts[4], parts[5].substr(kKey.size())};
}

bool same_kms_account(std::string_view a, std::string_view b) {
  const auto one = parse_kms_arn(a);
  const auto two = parse_kms_arn(b);
  return one && two && one->partition == two->partition &&
         one->account == two->account;
}

bool same_kms_key(std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (!same_kms_account(a, b)) return false;
  const std::string_view key = parse_kms_arn(a)->key;
  return key.starts_with("mrk-") && key == parse_kms_arn(b)->key;
}

Result<KmsCiphertext> parse_kms_encrypt(std::string_view body) {
  TRY_ASSIGN(const auto json, SecretJson::parse(body));
  TRY_ASSIGN(const auto arn, text_at(json.root(), "KeyId"));
  TRY_ASSIGN(const auto text, text_at(json.root(), "CiphertextBlob"));
  auto blob = base64_decode(text);
  if (!blob || blob->empty() || blob->size() > KekProvider::kBlobBytesMax ||
      !parse_kms_arn(arn)) {
    return fail(strange_answer());
  }
  return KmsCiphertext{std::string(arn), *std::move(blob)};
}

Result<SecretBytes> parse_kms_decrypt(std::string_view body) {
  TRY_ASSIGN(const auto json, SecretJson::parse(body));
  TRY_ASSIGN(auto plaintext, take_secret(json.root(), "Plaintext"));
  if (plaintext.empty()) return fail(strange_answer());
  return plaintext;
}

Result<std::string> parse_kms_describe(std::string_view body) {
  TRY_ASSIGN(const auto json, SecretJson::parse(body));
  TRY_ASSIGN(const JsonObject data, json.object("KeyMetadata"));
  TRY_ASSIGN(const auto arn, text_at(data, "Arn"));
  if (!parse_kms_arn(arn)) return fail(strange_answer());
  return std::string(arn);
}

std::string aws_error_name(std::string_view header, std::string_view body) {
  std::string name(header);
  if (name.empty()) {
    if (const auto json = SecretJson::parse(body)) {
      name = text_at(json->root(), "__type").value_or("");
    } else {
      name = element(body, "Code");
    }
  }
  // "com.amazonaws.kms#NAME", "NAME:http://…".
  if (const auto end = name.find(':'); end != std::string::npos) {
    name.resize(end);
  }
  name.erase(0, name.rfind('#') + 1);
  return name.size() <= kErrorNameBytesMax && is_word(name) ? name : "";
}

Error aws_error(std::string_view operation, int status, std::string_view name) {
  return {code_of(status, name),
          fmt::format("{}: {} (HTTP {})", operation,
                      name.empty() ? "the answer is not one of AWS" : name,
                      status)};
}

bool aws_worth_repeating(int status, std::string_view name) {
  return status == 429 || status >= 500 || among(name, kTransient);
}

bool aws_refused_credentials(std::string_view name) {
  return among(name, kRefused);
}

Result<StsCredentials> parse_sts_credentials(std::string_view body) {
  const std::string_view xml = element(body, "Credentials");
  const auto id = element(xml, "AccessKeyId");
  const auto key = element(xml, "SecretAccessKey");
  const auto token = element(xml, "SessionToken");
  const auto expires = parse_rfc3339(element(xml, "Expiration"));
  if (!is_credential(id) || !is_credential(key) || !is_credential(token) ||
      !expires) {
    return fail(strange_answer());
  }
  return StsCredentials{{std::string(id), secret(key), secret(token)},
                        *expires};
}

Result<AwsCredentials> parse_shared_credentials(std::string_view text,
                                                std::string_view profile) {
  const std::string header = fmt::format("[{}]", profile);
  AwsCredentials found;
  bool inside = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) inside = line == header;
    const auto equals = line.find('=');
    if (!inside || line.starts_with('#') || equals == std::string_view::npos) {
      continue;
    }
    const auto key = trimmed(line.substr(0, equals));
    const auto value = trimmed(line.substr(equals + 1));
    if (!is_visible(value)) continue;
    if (key == "aws_access_key_id") found.access_key = value;
    if (key == "aws_secret_access_key") found.secret_key = secret(value);
    if (key == "aws_session_token") found.session_token = secret(value);
  }
  if (!found.access_key.empty() && !found.secret_key.empty()) return found;
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("no keys of the profile \"{}\" are there", profile));
}

}  // namespace bulla::kek
