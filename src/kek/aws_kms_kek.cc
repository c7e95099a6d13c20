#include "kek/aws_kms_kek.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "crypto/hash.h"
#include "kek/aws_answer.h"

namespace bulla::kek {
namespace {

constexpr std::size_t kKeyIdBytesMax = 2048;  // KMS's own limit
constexpr KekVersion kVersionMax = 0x7fffffff;

// Room for a body, so that a secret in it is never left behind by growth.
constexpr std::size_t kBodyBytes = 16384;

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// "team=a,stage=b".
Result<std::map<std::string, std::string>> parse_context(
    std::string_view text) {
  std::map<std::string, std::string> context;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 ||
        pair.substr(0, equals) == AwsKmsKek::kContextKey ||
        !context.emplace(pair.substr(0, equals), pair.substr(equals + 1))
             .second) {
      return fail(invalid_argument(
          fmt::format("encryption_context: expected KEY=VALUE,KEY=VALUE, each "
                      "key once and none \"{}\"",
                      AwsKmsKek::kContextKey)));
    }
  }
  return context;
}

// What curl puts into Host: a port, unless it is the scheme's own.
std::string_view host_of(std::string_view url) {
  const bool tls = url.starts_with("https:");
  url.remove_prefix(url.find("//") + 2);
  url = url.substr(0, url.find('/'));
  const std::string_view port = tls ? ":443" : ":80";
  if (url.ends_with(port)) url.remove_suffix(port.size());
  return url;
}

std::string_view path_of(std::string_view url) {
  return url.substr(url.find('/', url.find("//") + 2));
}

std::string describe_body(std::string_view key) {
  std::string body;
  JsonWriter(body).begin_object().member("KeyId", key).end_object();
  return body;
}

std::string error_name(const net::ClientResponse& answer) {
  return aws_error_name(answer.header("x-amzn-errortype"), answer.body);
}

}  // namespace

Result<void> AwsKmsKek::read(const Stanza& stanza) {
  TRY(stanza.check_known({"region", "kms_key_id", "endpoint", "access_key",
                          "secret_key", "session_token", "role_arn",
                          "role_session_name", "web_identity_token_file",
                          "sts_endpoint", "shared_creds_filename",
                          "shared_creds_profile", "encryption_context"}));
  region_ = stanza.text("region", {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (region_.empty()) region_ = "us-east-1";
  if (!is_region(region_)) {
    return fail(invalid_argument("region: expected one such as eu-central-1"));
  }
  configured_ = stanza.text(
      "kms_key_id", {"BULLA_AWSKMS_SEAL_KEY_ID", "BAO_AWSKMS_SEAL_KEY_ID",
                     "VAULT_AWSKMS_SEAL_KEY_ID"});
  if (configured_.empty() || configured_.size() > kKeyIdBytesMax) {
    return fail(invalid_argument(
        "kms_key_id is missing: the id, ARN or alias/NAME of a key of KMS"));
  }
  if (parse_kms_arn(configured_)) current_ = configured_;
  std::string endpoint =
      stanza.text("endpoint", {"AWS_KMS_ENDPOINT", "AWS_ENDPOINT_URL_KMS"});
  if (endpoint.empty()) endpoint = aws_endpoint("kms", region_);
  TRY_ASSIGN(endpoint_, base_url("endpoint", endpoint));
  endpoint_ += '/';
  TRY_ASSIGN(context_, parse_context(stanza.given("encryption_context")));
  tls_.ca_file = environment({"AWS_CA_BUNDLE"});
  TRY_ASSIGN(credentials_,
             AwsCredentialSource::from_stanza(stanza, region_, tls_));
  return {};
}

Result<std::unique_ptr<KekProvider>> AwsKmsKek::from_options(
    std::string name, const Stanza::Options& options, crypto::Rng&) {
  std::unique_ptr<AwsKmsKek> made(new AwsKmsKek);
  made->name_ = std::move(name);
  if (auto read = made->read(Stanza(options)); !read) {
    return fail(std::move(read).error().with_context("seal \"awskms\""));
  }
  static_cast<void>(
      made->learn({std::chrono::steady_clock::now() + kFirstAskTimeout, 1}));
  return std::unique_ptr<KekProvider>(std::move(made));
}

KekVersion AwsKmsKek::active_locked() const {
  if (adopted_.empty()) return 1;
  if (current_.empty()) return adopted_.rbegin()->first;
  for (const auto& [version, arn] : adopted_) {
    if (same_kms_key(arn, current_)) return version;
  }
  return adopted_.rbegin()->first + 1;
}

KekVersion AwsKmsKek::active_version() const {
  const std::lock_guard lock(mutex_);
  return active_locked();
}

std::vector<KekVersion> AwsKmsKek::versions() const {
  const std::lock_guard lock(mutex_);
  std::vector<KekVersion> versions;
  for (const auto& [version, arn] : adopted_) versions.push_back(version);
  const KekVersion active = active_locked();
  if (!adopted_.contains(active)) versions.push_back(active);
  return versions;
}

void AwsKmsKek::adopt(KekVersion version, std::string_view key_id) {
  const std::lock_guard lock(mutex_);
  if (version == 0 || version >= kVersionMax || !parse_kms_arn(key_id) ||
      adopted_.size() >= kVersionsMax) {
    return;
  }
  adopted_.emplace(version, key_id);
}

std::optional<std::string> AwsKmsKek::key_of(KekVersion version) const {
  const std::lock_guard lock(mutex_);
  if (version == active_locked()) {
    return current_.empty() ? configured_ : current_;
  }
  const auto found = adopted_.find(version);
  if (found == adopted_.end()) return std::nullopt;
  return found->second;
}

bool AwsKmsKek::knows_current() const {
  const std::lock_guard lock(mutex_);
  return !current_.empty();
}

bool AwsKmsKek::is_current(const WrappedKey& wrapped) const {
  const auto key = key_of(wrapped.version);
  return key && (!parse_kms_arn(*key) || same_kms_key(*key, wrapped.key_id));
}

void AwsKmsKek::write_context(std::string& body, ByteView aad) const {
  JsonWriter writer(body);
  writer.begin_object();
  writer.member(kContextKey, hex_encode(crypto::sha256(aad)));
  for (const auto& [key, value] : context_) writer.member(key, value);
  writer.end_object();
}

Result<SecretResponse> AwsKmsKek::call_once(std::string_view operation,
                                            const std::string& body,
                                            const CallLimits& limits) {
  TRY_ASSIGN(const AwsCredentials credentials,
             credentials_->get(limits.deadline));
  SecretRequest request;
  request.method = "POST";
  request.url = endpoint_;
  request.use(tls_);
  request.body.reserve(body.size());
  request.body = body;
  request.headers = {
      {"Content-Type", "application/x-amz-json-1.1"},
      {"X-Amz-Target", fmt::format("TrentService.{}", operation)}};
  const std::string_view host = host_of(endpoint_);
  for (auto& header : sign_aws({request.method, host, path_of(endpoint_),
                                request.headers, request.body},
                               credentials, region_, "kms",
                               std::chrono::system_clock::now())) {
    request.headers.push_back(std::move(header));
  }
  request.headers.emplace_back("Host", host);
  return call_remote(request, limits, [](const net::ClientResponse& answer) {
    return answer.status != 200 &&
           aws_worth_repeating(answer.status, error_name(answer));
  });
}

// Credentials that were replaced while they were used are read once more.
Result<SecretResponse> AwsKmsKek::call(std::string_view operation,
                                       std::string body,
                                       const CallLimits& limits) {
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(body.data()), body.size()});
  for (bool again = credentials_->may_change();; again = false) {
    TRY_ASSIGN(auto answer, call_once(operation, body, limits));
    if (answer.status == 200) return answer;
    const std::string name = error_name(answer);
    if (!again || !aws_refused_credentials(name)) {
      return fail(aws_error(operation, answer.status, name));
    }
    credentials_->forget();
  }
}

// A principal need not be allowed to describe the key; then the first answer
// to Encrypt tells its ARN.
Result<void> AwsKmsKek::learn(const CallLimits& limits) {
  auto answer = call("DescribeKey", describe_body(configured_), limits);
  if (!answer) {
    if (answer.error().code() == ErrorCode::kPermissionDenied) return {};
    return fail(std::move(answer).error());
  }
  TRY_ASSIGN(auto arn, parse_kms_describe(answer->body));
  const std::lock_guard lock(mutex_);
  current_ = std::move(arn);
  return {};
}

Result<WrappedKey> AwsKmsKek::wrap(const SecretBytes& key, ByteView aad,
                                   KekVersion version, Deadline deadline) {
  if (key.empty() || key.size() > kSecretBytesMax) {
    return fail(
        invalid_argument("awskms: a secret of that length cannot be wrapped"));
  }
  const auto kek = key_of(version);
  if (!kek) {
    return fail(
        not_found(fmt::format("awskms: no key is version {}", version)));
  }
  std::string body;
  body.reserve(kBodyBytes);
  JsonWriter writer(body);
  std::string context;
  write_context(context, aad);
  writer.begin_object().member("KeyId", *kek);
  writer.key("Plaintext").base64(key.expose());
  writer.key("EncryptionContext").raw(context).end_object();
  TRY_ASSIGN(const auto answer, call("Encrypt", std::move(body), {deadline}));
  TRY_ASSIGN(auto made, parse_kms_encrypt(answer.body));
  if (parse_kms_arn(*kek) && !same_kms_key(*kek, made.key_arn)) {
    return fail(unavailable("Encrypt: another key was used than asked"));
  }
  {
    const std::lock_guard lock(mutex_);
    if (current_.empty()) current_ = made.key_arn;
  }
  adopt(version, made.key_arn);
  return WrappedKey{version, std::move(made.key_arn), std::move(made.blob)};
}

Result<std::string> AwsKmsKek::opener_of(const WrappedKey& wrapped) const {
  const std::lock_guard lock(mutex_);
  if (current_.empty()) return configured_;
  if (same_kms_key(wrapped.key_id, current_)) return current_;
  if (same_kms_account(wrapped.key_id, current_)) return wrapped.key_id;
  return fail(
      not_found("awskms: it was wrapped with a key of another account"));
}

Result<SecretBytes> AwsKmsKek::unwrap(const WrappedKey& wrapped, ByteView aad,
                                      Deadline deadline) {
  if (!key_of(wrapped.version)) {
    return fail(not_found(
        fmt::format("awskms: no key is version {}", wrapped.version)));
  }
  if (wrapped.blob.empty() || wrapped.blob.size() > kBlobBytesMax) {
    return fail(corrupt("awskms: the wrapped key has a wrong length"));
  }
  if (!knows_current()) TRY(learn({deadline}));
  TRY_ASSIGN(const std::string opener, opener_of(wrapped));
  std::string context;
  write_context(context, aad);
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().member("KeyId", opener);
  writer.key("CiphertextBlob").base64(wrapped.blob);
  writer.key("EncryptionContext").raw(context).end_object();
  TRY_ASSIGN(const auto answer, call("Decrypt", std::move(body), {deadline}));
  return parse_kms_decrypt(answer.body);
}

Result<void> AwsKmsKek::probe(Deadline deadline) {
  TRY(learn({deadline}));
  return KekProvider::probe(deadline);
}

}  // namespace bulla::kek
