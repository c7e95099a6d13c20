// No key, token, share or plaintext is in storage as it is: whatever is done,
// the raw entries hold none of what the generator gave out for a secret, nor of
// what the answers showed.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "auth/token_backend.h"
#include "base/encoding.h"
#include "engine/cubbyhole/cubbyhole.h"
#include "engine/transit/transit.h"
#include "server/pipeline.h"
#include "server/sys/sys_backend.h"
#include "storage/memory.h"

namespace bulla::server {
namespace {

// Keeps a copy of everything that is long enough to be a key: nonces are 12
// bytes, and public.
class RecordingRng final : public crypto::Rng {
 public:
  void fill(ByteSpan out) override {
    inner_.fill(out);
    if (out.size() < 16) return;
    const std::lock_guard lock(mutex_);
    given_.emplace_back(out.begin(), out.end());
  }
  std::vector<std::string> given() const {
    const std::lock_guard lock(mutex_);
    return given_;
  }

 private:
  crypto::SystemRng inner_;
  mutable std::mutex mutex_;
  std::vector<std::string> given_;
};

class AtRest : public testing::Test {
 protected:
  AtRest()
      : core_({.config = config_,
               .storage = storage_,
               .rng = rng_,
               .clock = clock_,
               .log = log_,
               .providers = {},
               .engines = {
                   {"transit", false, [](const api::BackendContext& context) {
                      return std::make_shared<engine::transit::TransitBackend>(
                          context);
                    }}}}) {
    add("sys/", "system", [this](const api::BackendContext&) {
      return std::make_shared<SysBackend>(core_);
    });
    add("auth/token/", "token", [this](const api::BackendContext& context) {
      return std::make_shared<auth::TokenBackend>(
          context, core_.tokens(), core_.policies(), auth::TokenTtls{});
    });
    add("cubbyhole/", "cubbyhole", [](const api::BackendContext& context) {
      return std::make_shared<engine::cubbyhole::CubbyholeBackend>(context);
    });
    core_.mounts().start();
    worker_ = std::make_unique<Worker>(core_);
  }

  template <typename Make>
  void add(std::string path, std::string type, Make make) {
    api::MountConfig config;
    config.is_auth = path.starts_with("auth/");
    config.path = std::move(path);
    config.uuid = config.accessor = "fixed-" + type;
    config.type = type;
    core_.mounts().add_fixed(std::move(config),
                             {type, config.is_auth, std::move(make)});
  }

  /// One request through the whole pipeline; then storage is searched.
  net::Response ask(net::Method method, const std::string& path,
                    std::string body = {}) {
    const std::string target = "/v1/" + path;
    const std::size_t size = body.size();
    body.resize(size + net::kBodyPadding);
    const std::vector<net::Header> headers{{"x-vault-token", token_}};
    net::Request request;
    request.method = method;
    request.target = target;
    request.headers = headers;
    request.body = std::string_view(body).substr(0, size);
    net::Response response;
    EXPECT_EQ(serve(request, response, *worker_, true), Outcome::kAnswered);
    EXPECT_LT(response.status, 300) << path << ": " << response.body;
    search(path);
    return response;
  }
  net::Response put(const std::string& path, const std::string& body = "{}") {
    return ask(net::Method::kPut, path, body);
  }

  /// The text at a pointer of an answer's JSON.
  static std::string text(const net::Response& response,
                          std::string_view pointer) {
    JsonParser parser;
    const auto root = parse_json(parser, response.body);
    JsonElement found;
    if (!root || root->at_pointer(pointer).get(found) != simdjson::SUCCESS) {
      ADD_FAILURE() << pointer << ": " << response.body;
      return {};
    }
    return std::string(found.get_string().value());
  }

  void keep_secret(std::string text) {
    ASSERT_FALSE(text.empty());
    secrets_.push_back(std::move(text));
  }

  void search(const std::string& after) {
    EXPECT_EQ(where_a_secret_stands(), "") << "after " << after;
  }

  /// The path of an entry that holds a secret, "" when none does.
  std::string where_a_secret_stands() {
    std::vector<std::string> needles = secrets_;
    for (const std::string& raw : rng_.given()) {
      needles.push_back(raw);
      needles.push_back(hex_encode(as_bytes(raw)));
      needles.push_back(base64_encode(as_bytes(raw)));
    }
    const std::vector<std::string> paths = storage_.scan("").value();
    for (const std::string& path : paths) {
      const Bytes value = storage_.get(path).value()->value;
      const std::string shown = without_key_id(path);
      for (const std::string& needle : needles) {
        if (as_text(value).find(needle) != std::string_view::npos ||
            shown.find(needle) != std::string::npos) {
          return path;
        }
      }
    }
    return {};
  }

  // The id in transit's "…/version/NAME/ID/NUMBER" and "…/usage/NAME/ID/NUMBER"
  // is random, and public.
  static std::string without_key_id(const std::string& path) {
    const std::size_t number = path.rfind('/');
    if (path.find("/version/") == std::string::npos &&
        path.find("/usage/") == std::string::npos) {
      return path;
    }
    const std::size_t id = path.rfind('/', number - 1);
    return path.substr(0, id) + path.substr(number);
  }

  void keep_shares(const net::Response& made) {
    shares_.clear();
    for (const char* share : {"/keys/0", "/keys/1", "/keys/2"}) {
      shares_.push_back(text(made, share));
      keep_secret(shares_.back());
      const auto raw = hex_decode(shares_.back());
      keep_secret(std::string(as_text(*raw).substr(0, raw->size() - 1)));
    }
  }
  /// Gives two shares to an operation; what the second one was answered.
  net::Response give_shares(const std::string& path, const std::string& nonce) {
    const auto give = [&](const std::string& share) {
      return put(path,
                 R"({"key":")" + share + R"(","nonce":")" + nonce + "\"}");
    };
    give(shares_[0]);
    return give(shares_[1]);
  }

  void open() {
    const auto made =
        put("sys/init", R"({"secret_shares":3,"secret_threshold":2})");
    keep_shares(made);
    token_ = text(made, "/root_token");
    keep_secret(token_);
    search("init");
    for (const char* share : {"/keys_base64/0", "/keys_base64/2"}) {
      put("sys/unseal", R"({"key":")" + text(made, share) + "\"}");
    }
    ASSERT_TRUE(core_.serving());
  }

  ServerConfig config_ = [] {
    ServerConfig config;
    config.listeners.emplace_back();
    return config;
  }();
  storage::MemoryStorage storage_;
  RecordingRng rng_;
  SystemClock clock_;
  int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Logger log_{clock_, LogLevel::kError, LogFormat::kJson, null_};
  Core core_;
  std::unique_ptr<Worker> worker_;
  std::string token_;
  std::vector<std::string> secrets_;
  std::vector<std::string> shares_;
};

constexpr const char* kTypes[] = {"aes128-gcm96", "aes256-gcm96",
                                  "chacha20-poly1305", "xchacha20-poly1305",
                                  "hmac"};

TEST_F(AtRest, NoSecretStandsInStorage) {
  open();
  put("sys/mounts/transit", R"({"type":"transit"})");
  keep_secret("a plaintext of some length");
  keep_secret(base64_encode(as_bytes("a plaintext of some length")));
  const std::string plain =
      base64_encode(as_bytes("a plaintext of some length"));
  for (const std::string type : kTypes) {
    const std::string key = "transit/keys/" + type;
    put(key, R"({"type":")" + type + R"(","exportable":true,)" +
                 R"("allow_plaintext_backup":true})");
    put(key + "/rotate");
    put("transit/hmac/" + type, R"({"input":")" + plain + "\"}");
    if (type != "hmac") {
      const auto sealed = text(
          put("transit/encrypt/" + type, R"({"plaintext":")" + plain + "\"}"),
          "/data/ciphertext");
      put("transit/rewrap/" + type, R"({"ciphertext":")" + sealed + "\"}");
      put("transit/decrypt/" + type, R"({"ciphertext":")" + sealed + "\"}");
      const auto made = put("transit/datakey/plaintext/" + type);
      keep_secret(text(made, "/data/plaintext"));
    }
    put(key + "/config",
        R"({"min_decryption_version":2,"min_encryption_version":2,)"
        R"("deletion_allowed":true})");
    put(key + "/trim", R"({"min_available_version":2})");
    search("trim");
  }
  put("transit/keys/derived",
      R"({"derived":true,"convergent_encryption":true})");
  put("transit/encrypt/derived",
      R"({"context":"Y29udGV4dA==","plaintext":")" + plain + "\"}");
  keep_secret(text(put("transit/random/32"), "/data/random_bytes"));
  keep_secret(text(put("auth/token/create", R"({"policies":["default"]})"),
                   "/auth/client_token"));
  put("cubbyhole/a", R"({"value":"a plaintext of some length"})");
  put("sys/rotate");
  const auto rekey =
      put("sys/rekey/init", R"({"secret_shares":3,"secret_threshold":2})");
  keep_shares(give_shares("sys/rekey/update", text(rekey, "/nonce")));
  search("rekey");
  const auto attempt = put("sys/generate-root/attempt");
  keep_secret(text(attempt, "/otp"));
  const auto encoded =
      text(give_shares("sys/generate-root/update", text(attempt, "/nonce")),
           "/encoded_token");
  keep_secret(text(put("sys/decode-token", R"({"encoded_token":")" + encoded +
                                               R"(","otp":")" +
                                               text(attempt, "/otp") + "\"}"),
                   "/data/token"));
  search("generate-root");
  put("sys/rotate/root");
  ask(net::Method::kDelete, "transit/keys/hmac");
  put("sys/seal");
  search("seal");
}

// Would it be seen? What does stand there is found.
TEST_F(AtRest, TheSearchFindsWhatIsThere) {
  open();
  const storage::Change leaks[] = {
      {"token", to_bytes("<" + token_ + ">"), {}},
      {"raw", to_bytes("<" + rng_.given().back() + ">"), {}}};
  for (const storage::Change& leak : leaks) {
    ASSERT_TRUE(storage_.commit({&leak, 1}));
    EXPECT_EQ(where_a_secret_stands(), leak.path);
    const storage::Change undo{leak.path, std::nullopt, {}};
    ASSERT_TRUE(storage_.commit({&undo, 1}));
  }
}

}  // namespace
}  // namespace bulla::server
