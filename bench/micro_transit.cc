// Transit's handlers as the server calls them: a bound request in, the answer's
// JSON out. Parsing the body is left out; the server does it once a request.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barrier/barrier.h"
#include "base/encoding.h"
#include "dek/no_records.h"
#include "engine/test_managed_keys.h"
#include "engine/transit/transit.h"
#include "storage/memory.h"

namespace bulla::engine::transit {
namespace {

constexpr std::size_t kPlaintextBytes = 64;

/// One mount with one key "k", and what surrounds a request.
struct Mount {
  Mount() {
    const auto change = barrier.create(SecretBytes(32));
    if (!change || !storage.commit({&*change, 1})) std::abort();
    backend = std::make_unique<TransitBackend>(
        api::BackendContext{.storage = barrier::View(barrier, "logical/m/"),
                            .config = config,
                            .rng = rng,
                            .clock = clock,
                            .log = log,
                            .events = events,
                            .records = records,
                            .record_holders = record_holders,
                            .managed_keys = managed_keys});
    KeyRecord wanted;
    if (!backend->keys().create("k", wanted, clock.now())) std::abort();
    context.now = clock.now();
    context.rng = &rng;
    context.loop = &loop;
  }

  /// The answer's data for `body` at "<verb>/k".
  std::string call(std::string_view verb, const std::string& body) {
    JsonParser parser;
    api::Request request;
    const auto& route = bind(verb, body, parser, request);
    auto answer = route.methods.front().handler(request, context);
    if (!answer) std::abort();
    return answer->data;
  }

  const api::Route& bind(std::string_view verb, const std::string& body,
                         JsonParser& parser, api::Request& request) {
    const std::string pattern = std::string(verb) + "/:name";
    const auto& routes = backend->routes();
    const auto route = std::ranges::find(routes, pattern, &api::Route::pattern);
    const auto root = parse_json(parser, body);
    if (!root) std::abort();
    static constexpr api::PathParam kParam{"name", "k"};
    request.operation = api::Operation::kUpdate;
    if (!request.fields.bind(route->fields, {&kParam, 1},
                             root->get_object().value())) {
      std::abort();
    }
    return *route;
  }

  storage::MemoryStorage storage;
  crypto::SystemRng rng;
  SystemClock clock;
  Logger log{clock, LogLevel::kError, LogFormat::kStandard};
  barrier::Barrier barrier{storage, rng, clock};
  struct : api::EventSink {
    Result<void> announce(const api::OwnAction&) override { return {}; }
  } events;
  dek::NoRecords records;
  dek::RecordHolders record_holders;
  TestManagedKeys managed_keys;
  api::MountConfig config;
  api::LoopState loop;
  api::Context context;
  std::unique_ptr<TransitBackend> backend;
};

void run_handler(benchmark::State& state, Mount& mount, std::string_view verb,
                 const std::string& body, std::size_t items) {
  JsonParser parser;
  api::Request request;
  const api::Route& route = mount.bind(verb, body, parser, request);
  for (auto _ : state) {
    auto answer = route.methods.front().handler(request, mount.context);
    if (!answer) std::abort();
    benchmark::DoNotOptimize(answer->data.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(items));
}

std::string plaintext() { return base64_encode(Bytes(kPlaintextBytes, 0x5a)); }

std::string member(std::string_view name, std::string_view value) {
  return "\"" + std::string(name) + "\":\"" + std::string(value) + "\"";
}

std::string ciphertext(Mount& mount) {
  const std::string data =
      mount.call("encrypt", "{" + member("plaintext", plaintext()) + "}");
  const std::size_t start = data.find("vault:");
  return data.substr(start, data.find('"', start) - start);
}

std::string batch(std::string_view name, std::string_view value,
                  std::size_t items) {
  std::string body = "{\"batch_input\":[";
  for (std::size_t i = 0; i < items; ++i) {
    if (i > 0) body += ',';
    body += "{" + member(name, value) + "}";
  }
  return body + "]}";
}

void transit_encrypt(benchmark::State& state) {
  Mount mount;
  run_handler(state, mount, "encrypt",
              "{" + member("plaintext", plaintext()) + "}", 1);
}
BENCHMARK(transit_encrypt);

void transit_decrypt(benchmark::State& state) {
  Mount mount;
  run_handler(state, mount, "decrypt",
              "{" + member("ciphertext", ciphertext(mount)) + "}", 1);
}
BENCHMARK(transit_decrypt);

void transit_rewrap(benchmark::State& state) {
  Mount mount;
  run_handler(state, mount, "rewrap",
              "{" + member("ciphertext", ciphertext(mount)) + "}", 1);
}
BENCHMARK(transit_rewrap);

void transit_hmac(benchmark::State& state) {
  Mount mount;
  run_handler(state, mount, "hmac", "{" + member("input", plaintext()) + "}",
              1);
}
BENCHMARK(transit_hmac);

// Argument: items a request.
void transit_encrypt_batch(benchmark::State& state) {
  Mount mount;
  const auto items = static_cast<std::size_t>(state.range(0));
  run_handler(state, mount, "encrypt", batch("plaintext", plaintext(), items),
              items);
}
BENCHMARK(transit_encrypt_batch)->Arg(1000);

void transit_decrypt_batch(benchmark::State& state) {
  Mount mount;
  const auto items = static_cast<std::size_t>(state.range(0));
  run_handler(state, mount, "decrypt",
              batch("ciphertext", ciphertext(mount), items), items);
}
BENCHMARK(transit_decrypt_batch)->Arg(1000);

}  // namespace
}  // namespace bulla::engine::transit
