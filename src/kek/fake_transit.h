#pragma once

// For this folder's tests: a transit engine with one key, and its faults.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "crypto/rng.h"
#include "net/test_server.h"

namespace bulla::kek {

class FakeTransit {
 public:
  explicit FakeTransit(net::ListenerOptions listener = {})
      : server_([this](net::Exchange& exchange) { handle(exchange); },
                std::move(listener)) {
    rotate();
  }

  std::string address(bool tls = false) const { return server_.url("", tls); }

  void rotate() {
    const std::lock_guard lock(mutex_);
    keys_.emplace(static_cast<std::int64_t>(keys_.size()) + 1,
                  crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm,
                                       rng_.secret(32).expose())
                      .value());
  }
  /// Other keys under the same name and versions.
  void replace_keys() {
    const std::size_t count = keys_.size();
    {
      const std::lock_guard lock(mutex_);
      keys_.clear();
    }
    for (std::size_t i = 0; i < count; ++i) rotate();
  }
  void set_token(std::string token) {
    const std::lock_guard lock(mutex_);
    token_ = std::move(token);
  }

  std::atomic<std::int64_t> oldest{1};
  std::atomic<bool> key_deleted{false};
  std::atomic<bool> read_forbidden{false};
  std::atomic<bool> asymmetric{false};
  std::atomic<int> fail_next{0};     ///< So many answers are 503.
  std::atomic<int> fixed_status{0};  ///< All answers, with fixed_body.
  std::string fixed_body;
  std::atomic<int> delay_ms{0};
  std::atomic<std::int64_t> lease_seconds{0};
  std::atomic<int> calls{0};
  std::atomic<int> renewals{0};
  std::string seen_namespace;

 private:
  struct Answer {
    int status;
    std::string body;
  };
  static Answer error(int status, std::string_view text) {
    return {status, fmt::format(R"({{"errors":["{}"]}})", text)};
  }

  void handle(net::Exchange& exchange) {
    ++calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    const Answer answer = reply(exchange.request());
    exchange.response().status = answer.status;
    exchange.response().content_type = "application/json";
    exchange.response().body = answer.body;
  }

  Answer reply(const net::Request& request) {
    const std::lock_guard lock(mutex_);
    if (fail_next > 0) {
      --fail_next;
      return error(503, "Vault is sealed");
    }
    if (fixed_status != 0) return {fixed_status, fixed_body};
    std::string token;
    for (const auto& header : request.headers) {
      if (net::iequals(header.name, "x-vault-token")) token = header.value;
      if (net::iequals(header.name, "x-vault-namespace")) {
        seen_namespace = header.value;
      }
    }
    if (token != token_) return error(403, "permission denied");
    if (request.target == "/v1/auth/token/renew-self") return renew();
    if (request.target == "/v1/team/transit/keys/kek") return read_key();
    JsonParser parser;
    const auto body = parse_json(parser, request.body);
    if (!body) return error(400, "failed to parse JSON input");
    if (request.target == "/v1/team/transit/encrypt/kek") return encrypt(*body);
    if (request.target == "/v1/team/transit/decrypt/kek") return decrypt(*body);
    return error(404, "no handler for route");
  }

  Answer renew() {
    ++renewals;
    if (lease_seconds == 0) return error(400, "lease is not renewable");
    return {200,
            fmt::format(R"({{"auth":{{"client_token":"x","renewable":true,)"
                        R"("lease_duration":{}}}}})",
                        lease_seconds.load())};
  }

  Answer read_key() {
    if (read_forbidden) return error(403, "permission denied");
    if (key_deleted) return {404, R"({"errors":[]})"};
    return {200, fmt::format(R"({{"data":{{"latest_version":{},)"
                             R"("min_decryption_version":{},)"
                             R"("min_encryption_version":0}}}})",
                             keys_.size(), oldest.load())};
  }

  Answer encrypt(const JsonElement& body) {
    if (key_deleted) return error(400, "encryption key not found");
    if (asymmetric) {
      return error(400, "'[0].associated_data' provided for non-AEAD");
    }
    std::int64_t version = static_cast<std::int64_t>(keys_.size());
    if (body["key_version"].get(version) == simdjson::SUCCESS &&
        (!keys_.contains(version) || version < oldest)) {
      return error(400, "requested version for encryption is not there");
    }
    const Bytes plain = base64_at(body, "plaintext");
    Bytes sealed(12 + plain.size() + crypto::kAeadTagBytes);
    rng_.fill(ByteSpan(sealed).first(12));
    keys_.at(version).seal(ByteView(sealed).first(12),
                           base64_at(body, "associated_data"), plain,
                           sealed.data() + 12);
    return {200, fmt::format(R"({{"data":{{"ciphertext":"vault:v{}:{}"}}}})",
                             version, base64_encode(sealed))};
  }

  Answer decrypt(const JsonElement& body) {
    if (key_deleted) return error(400, "encryption key not found");
    const std::string text(body["ciphertext"].get_string().value());
    const std::size_t colon = text.find(':', 7);
    const std::int64_t version = std::stoll(text.substr(7));
    if (!keys_.contains(version)) {
      return error(400, "invalid ciphertext: version is too new");
    }
    if (version < oldest) {
      return error(400, "ciphertext version is disallowed by policy (too old)");
    }
    const Bytes sealed = base64_decode(text.substr(colon + 1)).value();
    if (sealed.size() < 12 + crypto::kAeadTagBytes) {
      return error(400, "invalid ciphertext length");
    }
    Bytes plain(sealed.size() - 12 - crypto::kAeadTagBytes);
    if (!keys_.at(version).open(ByteView(sealed).first(12),
                                base64_at(body, "associated_data"),
                                ByteView(sealed).subspan(12), plain.data())) {
      return error(400, "cipher: message authentication failed");
    }
    return {200, fmt::format(R"({{"data":{{"plaintext":"{}"}}}})",
                             base64_encode(plain))};
  }

  static Bytes base64_at(const JsonElement& body, const char* name) {
    return base64_decode(body[name].get_string().value()).value();
  }

  std::mutex mutex_;
  std::string token_ = "s.token";
  std::map<std::int64_t, crypto::Aead> keys_;
  crypto::SystemRng rng_;
  net::TestServer server_;  // last: its thread uses all of the above
};

}  // namespace bulla::kek
