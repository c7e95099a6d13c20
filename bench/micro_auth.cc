// What a request pays for its policy and its token.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "api/field.h"
#include "auth/acl.h"
#include "auth/token_store.h"
#include "barrier/barrier.h"
#include "crypto/rng.h"
#include "storage/memory.h"

namespace {

using namespace bulla;
using api::Operation;

// A third each of exact paths, prefixes and segment patterns.
auth::Acl acl_of(std::int64_t rules) {
  std::string text;
  for (std::int64_t i = 0; i < rules; ++i) {
    const char* const shape[] = {"transit/encrypt/key-{}", "kv/data/team-{}/*",
                                 "kv/+/team-{}/+"};
    text += fmt::format("path \"{}\" {{ capabilities = [\"update\"] }}\n",
                        fmt::format(fmt::runtime(shape[i % 3]), i));
  }
  return auth::Acl({*auth::parse_policy("bench", text)});
}

void decide(benchmark::State& state, const std::string& path) {
  const auth::Acl acl = acl_of(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        acl.decide({Operation::kUpdate, path, std::nullopt, std::nullopt}));
  }
}

void acl_exact(benchmark::State& state) {
  decide(state, "transit/encrypt/key-0");
}
void acl_prefix(benchmark::State& state) {
  decide(state, "kv/data/team-1/some/secret");
}
void acl_segments(benchmark::State& state) {
  decide(state, "kv/metadata/team-2/some");
}
void acl_miss(benchmark::State& state) {
  decide(state, "transit/decrypt/key-0");
}
BENCHMARK(acl_exact)->Arg(1)->Arg(50)->Arg(500);
BENCHMARK(acl_prefix)->Arg(1)->Arg(50)->Arg(500);
BENCHMARK(acl_segments)->Arg(1)->Arg(50)->Arg(500);
BENCHMARK(acl_miss)->Arg(1)->Arg(50)->Arg(500);

void token_lookup_cached(benchmark::State& state) {
  storage::MemoryStorage storage;
  crypto::SystemRng rng;
  SystemClock clock;
  barrier::Barrier barrier(storage, rng, clock);
  auto keyring = barrier.create(rng.secret(32));
  if (!keyring || !storage.commit({&*keyring, 1})) return;
  auth::TokenStore tokens(barrier, barrier::View(barrier, "sys/token/"), rng,
                          clock);
  if (!tokens.load()) return;
  auth::TokenSpec spec;
  spec.policies = {"default"};
  spec.ttl = Seconds{3600};
  const auto made = tokens.create(std::move(spec));
  for (auto _ : state) {
    benchmark::DoNotOptimize(tokens.lookup(made->client_token, false));
  }
}
BENCHMARK(token_lookup_cached);

void fields_bind(benchmark::State& state) {
  static const api::Field kSchema[] = {{"name"},
                                       {"plaintext"},
                                       {"context"},
                                       {"nonce"},
                                       {"type"},
                                       {"key_version", api::FieldType::kInt},
                                       {"associated_data"},
                                       {"batch_input", api::FieldType::kAny}};
  JsonParser parser;
  const auto root = parse_json(
      parser,
      R"({"plaintext":"aGVsbG8=","key_version":3,"associated_data":"abc"})");
  const JsonObject body = root->get_object().value();
  const api::PathParam params[] = {{"name", "key"}};
  for (auto _ : state) {
    api::Fields fields;
    benchmark::DoNotOptimize(fields.bind(kSchema, params, body));
    benchmark::DoNotOptimize(fields.text("plaintext"));
  }
}
BENCHMARK(fields_bind);

}  // namespace
