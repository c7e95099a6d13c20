// A whole request as an event loop runs it, from parsed HTTP to the answer's
// body, and its parts: what stands between the network and an engine. Counts
// allocations, which stay in single digits a request.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocations.h"
#include "base/encoding.h"
#include "engine/transit/transit.h"
#include "net/message.h"
#include "server/core.h"
#include "server/pipeline.h"
#include "server/sys/sys_backend.h"
#include "server/worker.h"
#include "storage/memory.h"

namespace bulla::server {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "bench: {}\n", result.error().message());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A POST as a loop hands it over, with the memory that it views.
class Post {
 public:
  Post(std::string_view path, std::string body, std::string token)
      : target_(fmt::format("/v1/{}", path)),
        body_(std::move(body)),
        token_(std::move(token)) {
    body_.reserve(body_.size() + net::kBodyPadding);
    headers_[2].value = token_;
    request_.method = net::Method::kPost;
    request_.method_text = "POST";
    request_.target = target_;
    request_.headers = headers_;
    request_.body = body_;
    request_.peer = &peer_;
  }
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;
  const net::Request& request() const { return request_; }

 private:
  std::string target_;
  std::string body_;
  std::string token_;
  std::array<net::Header, 3> headers_{{{"Host", "127.0.0.1:8200"},
                                       {"Content-Type", "application/json"},
                                       {"X-Vault-Token", ""}}};
  net::Peer peer_{.address = "127.0.0.1",
                  .port = 4711,
                  .tls = false,
                  .client_certificate = {},
                  .client_certificate_verified = false};
  net::Request request_;
};

/// An unsealed server in memory with the transit key "k", and a token whose
/// policy allows no more than its use.
class Bench {
 public:
  Bench() {
    config_.listeners.emplace_back();
    core_ = std::make_unique<Core>(CoreParts{
        .config = config_,
        .storage = storage_,
        .rng = rng_,
        .clock = clock_,
        .log = log_,
        .providers = {},
        .engines = {{"transit", false, [](const api::BackendContext& context) {
                       return std::make_shared<engine::transit::TransitBackend>(
                           context);
                     }}}});
    Core& core = *core_;
    api::MountConfig sys;
    sys.path = "sys/";
    sys.type = "system";
    core.mounts().add_fixed(
        sys, {"system", false, [&core](const api::BackendContext&) {
                return std::make_shared<SysBackend>(core);
              }});
    core.mounts().start();
    open();
    api::MountConfig transit;
    transit.path = "transit/";
    transit.type = "transit";
    must(core.mounts().mount(transit));
    worker_ = std::make_unique<Worker>(core);
    const std::string root = std::exchange(token_, {});
    run("transit/keys/k", "{}", root);
    make_token();
  }

  /// Runs one request where it may block; the answer's status.
  int run(std::string_view path, std::string body, const std::string& token) {
    const Post post(path, std::move(body), token);
    response_.reset();
    if (serve(post.request(), response_, *worker_, true) !=
        Outcome::kAnswered) {
      std::abort();
    }
    return response_.status;
  }

  std::string field(std::string_view name) const {
    const std::string key = fmt::format("\"{}\":\"", name);
    const std::size_t start = response_.body.find(key) + key.size();
    return response_.body.substr(start,
                                 response_.body.find('"', start) - start);
  }
  Core& core() { return *core_; }
  Worker& worker() { return *worker_; }
  const std::string& token() const { return token_; }

 private:
  void open() {
    seal::InitParams params;
    params.secret_shares = 1;
    params.secret_threshold = 1;
    auto made = must(core_->initialize(params));
    token_ = made.root_token;
    if (!must(core_->unseal(made.keys.shares.at(0).clone()))) std::abort();
  }
  void make_token() {
    must(core_->policies().set(
        "bench",
        "path \"transit/+/k\" { capabilities = [\"update\"] }\n"
        "path \"transit/encrypt/*\" { capabilities = [\"update\"] }"));
    auth::TokenSpec spec;
    spec.policies = {"bench", "default"};
    spec.display_name = "token";
    spec.path = "auth/token/create";
    spec.ttl = Seconds{86400};
    token_ = must(core_->tokens().create(std::move(spec))).client_token;
  }

  ServerConfig config_;
  storage::MemoryStorage storage_;
  crypto::SystemRng rng_;
  SystemClock clock_;
  int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Logger log_{clock_, LogLevel::kError, LogFormat::kJson, null_};
  std::unique_ptr<Core> core_;
  std::unique_ptr<Worker> worker_;
  net::Response response_;
  std::string token_;
};

Bench& shared() {
  static Bench bench;
  return bench;
}

/// Times the request as each of the benchmark's threads runs it on a loop of
/// its own, and counts what it allocates.
void time_request(benchmark::State& state, std::string_view verb,
                  std::string body) {
  Worker worker(shared().core());
  net::Response response;
  const Post post(fmt::format("transit/{}", verb), std::move(body),
                  shared().token());
  // What is not in this loop's caches yet may block, once.
  serve(post.request(), response, worker, true);
  const std::uint64_t before = bench::allocations();
  for (auto _ : state) {
    response.reset();
    // Now and then a count of encryptions is to be stored: on the pool.
    if (serve(post.request(), response, worker, false) != Outcome::kAnswered) {
      serve(post.request(), response, worker, true);
    }
    if (response.status != 200) std::abort();
  }
  state.counters["allocations"] =
      benchmark::Counter(static_cast<double>(bench::allocations() - before),
                         benchmark::Counter::kAvgIterations);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

std::string plaintext_body() {
  return fmt::format(R"({{"plaintext":"{}"}})", base64_encode(Bytes(64, 0x5a)));
}

void request_encrypt(benchmark::State& state) {
  time_request(state, "encrypt/k", plaintext_body());
}
BENCHMARK(request_encrypt)->Threads(1)->Threads(2)->UseRealTime();

void request_decrypt(benchmark::State& state) {
  shared().run("transit/encrypt/k", plaintext_body(), shared().token());
  time_request(
      state, "decrypt/k",
      fmt::format(R"({{"ciphertext":"{}"}})", shared().field("ciphertext")));
}
BENCHMARK(request_decrypt);

void request_hmac(benchmark::State& state) {
  time_request(
      state, "hmac/k",
      fmt::format(R"({{"input":"{}"}})", base64_encode(Bytes(64, 0x5a))));
}
BENCHMARK(request_hmac);

// Mount table and route trie.
void route_request(benchmark::State& state) {
  Worker& worker = shared().worker();
  const std::string path = "transit/encrypt/k";
  for (auto _ : state) {
    const auto& table = worker.mounts.get();
    const Mount* mount = table->find(path);
    const RouteMatch match = mount->matcher->match(
        std::string_view(path).substr(mount->config.path.size()));
    benchmark::DoNotOptimize(match.route);
  }
}
BENCHMARK(route_request);

// Everything of a request but the engine and JSON: token, policy, route.
void admit_request(benchmark::State& state) {
  Worker& worker = shared().worker();
  const std::string path = "transit/encrypt/k";
  for (auto _ : state) {
    const auto& table = worker.mounts.get();
    const Mount* mount = table->find(path);
    const RouteMatch match = mount->matcher->match(
        std::string_view(path).substr(mount->config.path.size()));
    benchmark::DoNotOptimize(match.route);
    const Time now = SystemClock().now();
    const auto verified = worker.verify(shared().token(), now, true);
    if (!verified || (*verified)->token->expired(now)) std::abort();
    const auto decision = (*verified)->acl->decide(
        {api::Operation::kUpdate, path, std::nullopt, std::nullopt});
    if (!decision.allowed) std::abort();
  }
}
BENCHMARK(admit_request)->Threads(1)->UseRealTime();

}  // namespace
}  // namespace bulla::server
