#pragma once

// For this folder's tests: AWS KMS and STS as strict as AWS: signatures, dates,
// sessions, contexts, the states of keys; and faults.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"
#include "crypto/aead.h"
#include "crypto/rng.h"
#include "kek/sigv4.h"
#include "net/test_server.h"
#include "net/url.h"

namespace bulla::kek {

class FakeKms {
 public:
  static constexpr std::string_view kFirst =
      "arn:aws:kms:eu-central-1:111122223333:key/first";
  static constexpr std::string_view kSecond =
      "arn:aws:kms:eu-central-1:111122223333:key/second";
  static constexpr std::string_view kForeign =
      "arn:aws:kms:eu-central-1:999999999999:key/foreign";

  FakeKms() : server_([this](net::Exchange& exchange) { handle(exchange); }) {
    for (const auto arn : {kFirst, kSecond, kForeign}) new_key(arn);
    aliases_["alias/kek"] = kFirst;
    add_session("AKIAFIXED", "fixed/secret", "");
  }

  std::string address() const { return server_.url(""); }

  /// Other material under the same name.
  void new_key(std::string_view arn) {
    const std::lock_guard lock(mutex_);
    keys_.insert_or_assign(
        std::string(arn),
        crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm,
                             rng_.secret(32).expose())
            .value());
  }
  void point_alias_at(std::string_view arn) {
    const std::lock_guard lock(mutex_);
    aliases_["alias/kek"] = arn;
  }
  void add_session(const std::string& id, const std::string& secret,
                   const std::string& token) {
    const std::lock_guard lock(mutex_);
    sessions_[id] = {secret, token};
  }
  /// What sessions end with: an AWS error, "" for none.
  void set_refusal(std::string name) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(name);
  }
  /// All answers, of KMS and STS alike; 0 for their own.
  void set_fixed(int status, std::string body) {
    const std::lock_guard lock(mutex_);
    fixed_status_ = status;
    fixed_body_ = std::move(body);
  }
  void set_identity(std::string token) {
    const std::lock_guard lock(mutex_);
    identity_ = std::move(token);
  }
  void set_session_life(std::chrono::seconds life) {
    const std::lock_guard lock(mutex_);
    session_life_ = life;
  }

  std::atomic<bool> describe_forbidden{false};
  std::atomic<int> fail_next{0};  ///< So many answers are throttled.
  std::atomic<int> delay_ms{0};
  std::atomic<int> calls{0};
  std::atomic<int> sts_calls{0};
  std::atomic<std::int64_t> clock_skew_seconds{0};
  std::string seen_context;  ///< Of the last Encrypt, as JSON.

 private:
  struct Session {
    std::string secret;
    std::string token;
  };
  struct Answer {
    int status;
    std::string body;
  };
  using Headers = std::map<std::string, std::string>;

  static Answer error(std::string_view name, int status = 400) {
    return {status,
            fmt::format(
                R"({{"__type":"com.amazonaws.kms#{}","message":"hunter2"}})",
                name)};
  }

  void handle(net::Exchange& exchange) {
    ++calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    const Answer answer = reply(exchange.request());
    exchange.response().status = answer.status;
    exchange.response().body = answer.body;
  }

  Answer reply(const net::Request& request) {
    const std::lock_guard lock(mutex_);
    if (fail_next > 0) {
      --fail_next;
      return error("ThrottlingException");
    }
    if (fixed_status_ != 0) return {fixed_status_, fixed_body_};
    Headers headers;
    for (const auto& header : request.headers) {
      std::string name(header.name);
      std::ranges::transform(name, name.begin(), ::tolower);
      headers[name] = header.value;
    }
    if (headers["content-type"] == "application/x-www-form-urlencoded") {
      return assume_role(request.body);
    }
    const std::string refused = check_signature(request, headers);
    if (!refused.empty()) return error(refused);
    JsonParser parser;
    const auto body = parse_json(parser, request.body);
    if (!body) return error("SerializationException");
    return operate(headers["x-amz-target"], *body);
  }

  // The request that came is signed again with the secret that we know.
  std::string check_signature(const net::Request& request,
                              const Headers& headers) {
    const std::string text = value(headers, "authorization");
    const std::string id = between(text, "Credential=", "/");
    const auto session = sessions_.find(id);
    if (session == sessions_.end()) return "UnrecognizedClientException";
    if (value(headers, "x-amz-security-token") != session->second.token) {
      return "UnrecognizedClientException";
    }
    const std::string at = value(headers, "x-amz-date");
    if (at.size() != 16) return "IncompleteSignatureException";
    const Time time =
        parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", at.substr(0, 4),
                                  at.substr(4, 2), at.substr(6, 2),
                                  at.substr(9, 2), at.substr(11, 2),
                                  at.substr(13, 2)))
            .value();
    const Time now = std::chrono::system_clock::now() +
                     std::chrono::seconds(clock_skew_seconds);
    if (std::chrono::abs(now - time) > std::chrono::minutes(5)) {
      return "InvalidSignatureException";
    }
    AwsRequest again{request.method_text,
                     headers.at("host"),
                     request.target,
                     {},
                     request.body};
    for (const char* name : {"content-type", "x-amz-target"}) {
      again.headers.emplace_back(name, value(headers, name));
    }
    const AwsCredentials credentials{
        id, SecretBytes::copy_of(as_bytes(session->second.secret)),
        SecretBytes::copy_of(as_bytes(session->second.token))};
    const auto expected =
        sign_aws(again, credentials, "eu-central-1", "kms", time);
    if (expected.back().second != text) return "InvalidSignatureException";
    return refusal_;
  }

  Answer operate(std::string_view target, const JsonElement& body) {
    std::string key(body["KeyId"].get_string().value());
    if (aliases_.contains(key)) key = aliases_[key];
    const auto found = keys_.find(key);
    if (found == keys_.end()) return error("NotFoundException");
    if (target == "TrentService.DescribeKey") {
      if (describe_forbidden) return error("AccessDeniedException");
      return {200, fmt::format(R"({{"KeyMetadata":{{"Arn":"{}"}}}})", key)};
    }
    const std::string context = json_text(body["EncryptionContext"].value());
    if (target == "TrentService.Encrypt") {
      seen_context = context;
      return encrypt(key, found->second, context, bytes_at(body, "Plaintext"));
    }
    if (target == "TrentService.Decrypt") {
      return decrypt(key, found->second, context,
                     bytes_at(body, "CiphertextBlob"));
    }
    return error("UnknownOperationException");
  }

  Answer encrypt(const std::string& arn, const crypto::Aead& key,
                 const std::string& context, const Bytes& plain) {
    Bytes sealed(12 + plain.size() + crypto::kAeadTagBytes);
    rng_.fill(ByteSpan(sealed).first(12));
    key.seal(ByteView(sealed).first(12), as_bytes(context), plain,
             sealed.data() + 12);
    return {200, fmt::format(R"({{"CiphertextBlob":"{}","KeyId":"{}"}})",
                             base64_encode(sealed), arn)};
  }

  Answer decrypt(const std::string& arn, const crypto::Aead& key,
                 const std::string& context, const Bytes& sealed) {
    if (sealed.size() < 12 + crypto::kAeadTagBytes) {
      return error("InvalidCiphertextException");
    }
    Bytes plain(sealed.size() - 12 - crypto::kAeadTagBytes);
    if (!key.open(ByteView(sealed).first(12), as_bytes(context),
                  ByteView(sealed).subspan(12), plain.data())) {
      return error("InvalidCiphertextException");
    }
    return {200, fmt::format(R"({{"Plaintext":"{}","KeyId":"{}"}})",
                             base64_encode(plain), arn)};
  }

  Answer assume_role(std::string_view form) {
    ++sts_calls;
    std::map<std::string, std::string> given;
    const auto parameters = net::parse_query(form).value();
    for (const auto& [key, text] : parameters) given[key] = text;
    if (given["Action"] != "AssumeRoleWithWebIdentity" ||
        given["Version"] != "2011-06-15" ||
        given["RoleArn"] != "arn:aws:iam::111122223333:role/bulla" ||
        given["RoleSessionName"] != "bulla") {
      return {400,
              "<ErrorResponse><Error><Code>ValidationError</Code></Error>"
              "</ErrorResponse>"};
    }
    if (given["WebIdentityToken"] != identity_) {
      return {400,
              "<ErrorResponse><Error><Code>InvalidIdentityToken</Code>"
              "<Message>hunter2</Message></Error></ErrorResponse>"};
    }
    const std::string id = fmt::format("ASIA{}", sts_calls.load());
    const std::string secret = fmt::format("secret{}", sts_calls.load());
    sessions_[id] = {secret, "token+/=" + id};
    return {
        200,
        fmt::format("<AssumeRoleWithWebIdentityResponse><Result><Credentials>"
                    "<AccessKeyId>{0}</AccessKeyId><SecretAccessKey>{1}"
                    "</SecretAccessKey><SessionToken>token+/={0}</SessionToken>"
                    "<Expiration>{2}</Expiration></Credentials></Result>"
                    "</AssumeRoleWithWebIdentityResponse>",
                    id, secret,
                    format_rfc3339_nano(std::chrono::system_clock::now() +
                                        session_life_))};
  }

  static std::string value(const Headers& headers, const std::string& name) {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  static std::string between(const std::string& text, const std::string& open,
                             const std::string& close) {
    const auto begin = text.find(open);
    if (begin == std::string::npos) return "";
    const auto start = begin + open.size();
    return text.substr(start, text.find(close, start) - start);
  }
  static Bytes bytes_at(const JsonElement& body, const char* name) {
    return base64_decode(body[name].get_string().value()).value();
  }

  std::mutex mutex_;
  crypto::SystemRng rng_;
  std::map<std::string, crypto::Aead> keys_;
  std::map<std::string, std::string> aliases_;
  std::map<std::string, Session> sessions_;
  std::string refusal_;
  int fixed_status_ = 0;
  std::string fixed_body_;
  std::string identity_ = "jwt.one";
  std::chrono::seconds session_life_{3600};
  net::TestServer server_;  // last: its thread uses all of the above
};

}  // namespace bulla::kek
