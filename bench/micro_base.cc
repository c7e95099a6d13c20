#include <benchmark/benchmark.h>

#include <string>

#include "base/base64_simd.h"
#include "base/encoding.h"
#include "base/hcl.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/secret_bytes.h"

namespace bulla {
namespace {

void set_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
}

// Arguments: the kernel's place in base64_kernels(), bytes.
void base64_encode_kernel(benchmark::State& state) {
  const auto kernels = base64_kernels();
  const auto which = static_cast<std::size_t>(state.range(0));
  if (which >= kernels.size()) {
    state.SkipWithError("no such kernel on this processor");
    return;
  }
  const Bytes bytes(static_cast<std::size_t>(state.range(1)), 0x5A);
  std::string text(base64_encoded_size(bytes.size()), '\0');
  state.SetLabel(kernels[which].name);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        base64_encode_with(kernels[which], bytes, text.data()));
    benchmark::ClobberMemory();
  }
  set_bytes(state, bytes.size());
}
BENCHMARK(base64_encode_kernel)->ArgsProduct({{0, 1, 2}, {64, 1024, 16384}});

void base64_decode_kernel(benchmark::State& state) {
  const auto kernels = base64_kernels();
  const auto which = static_cast<std::size_t>(state.range(0));
  if (which >= kernels.size()) {
    state.SkipWithError("no such kernel on this processor");
    return;
  }
  const std::string text =
      base64_encode(Bytes(static_cast<std::size_t>(state.range(1)), 0x5A));
  Bytes bytes(base64_decoded_max(text.size()));
  std::size_t written = 0;
  std::size_t error_at = 0;
  state.SetLabel(kernels[which].name);
  for (auto _ : state) {
    benchmark::DoNotOptimize(base64_decode_with(kernels[which], text.data(),
                                                text.size(), bytes.data(),
                                                written, error_at));
    benchmark::ClobberMemory();
  }
  set_bytes(state, written);
}
BENCHMARK(base64_decode_kernel)->ArgsProduct({{0, 1, 2}, {64, 1024, 16384}});

// An encrypt request's body; the argument is the plaintext's size.
void json_parse(benchmark::State& state) {
  std::string text;
  JsonWriter(text)
      .begin_object()
      .key("plaintext")
      .base64(Bytes(static_cast<std::size_t>(state.range(0)), 0x5A))
      .end_object();
  const std::size_t size = text.size();
  text.append(simdjson::SIMDJSON_PADDING, ' ');
  JsonParser parser;
  for (auto _ : state) {
    auto root =
        parse_json(parser, std::string_view(text).substr(0, size), {}, true);
    benchmark::DoNotOptimize(root);
  }
  set_bytes(state, size);
}
BENCHMARK(json_parse)->Arg(64)->Arg(16384);

void json_write(benchmark::State& state) {
  const Bytes ciphertext(92, 0x5A);
  std::string text;
  for (auto _ : state) {
    text.clear();
    JsonWriter writer(text);
    writer.begin_object().key("data").begin_object();
    writer.key("ciphertext").base64(ciphertext, "vault:v1:");
    writer.member("key_version", 1).end_object().end_object();
    benchmark::DoNotOptimize(text.data());
  }
}
BENCHMARK(json_write);

void secret_bytes(benchmark::State& state) {
  for (auto _ : state) {
    SecretBytes secret(static_cast<std::size_t>(state.range(0)));
    benchmark::DoNotOptimize(secret.expose().data());
  }
}
BENCHMARK(secret_bytes)->Arg(32)->Arg(1024)->Arg(16384)->Arg(1 << 20);

void hcl_policy(benchmark::State& state) {
  constexpr std::string_view kPolicy =
      "path \"transit/encrypt/*\" { capabilities = [\"update\"] }\n"
      "path \"transit/keys\" { capabilities = [\"list\", \"read\"] }\n";
  for (auto _ : state) {
    auto root = parse_hcl(kPolicy);
    benchmark::DoNotOptimize(root);
  }
}
BENCHMARK(hcl_policy);

}  // namespace
}  // namespace bulla
