#include <benchmark/benchmark.h>

#include <array>

#include "crypto/aead.h"
#include "crypto/gcm.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/rng.h"
#include "crypto/shamir.h"

namespace bulla::crypto {
namespace {

void set_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
}

Aead keyed(benchmark::State& state) {
  static constexpr const char* kNames[] = {"aes-128-gcm", "aes-256-gcm",
                                           "chacha20", "xchacha20"};
  state.SetLabel(kNames[state.range(0)]);
  const auto algorithm = static_cast<AeadAlgorithm>(state.range(0));
  return Aead::create(algorithm, Bytes(aead_key_bytes(algorithm), 7)).value();
}

// Arguments: the algorithm, bytes of plaintext.
void aead_seal(benchmark::State& state) {
  const Aead aead = keyed(state);
  const Bytes nonce(aead.nonce_bytes(), 1);
  const Bytes plaintext(static_cast<std::size_t>(state.range(1)), 0x5A);
  Bytes out(plaintext.size() + kAeadTagBytes);
  for (auto _ : state) {
    aead.seal(nonce, {}, plaintext, out.data());
    benchmark::ClobberMemory();
  }
  set_bytes(state, plaintext.size());
}
BENCHMARK(aead_seal)->ArgsProduct({{0, 1, 2, 3}, {64, 16384}});

void aead_open(benchmark::State& state) {
  const Aead aead = keyed(state);
  const Bytes nonce(aead.nonce_bytes(), 1);
  const Bytes plaintext(static_cast<std::size_t>(state.range(1)), 0x5A);
  Bytes sealed(plaintext.size() + kAeadTagBytes);
  aead.seal(nonce, {}, plaintext, sealed.data());
  Bytes out(plaintext.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(aead.open(nonce, {}, sealed, out.data()));
    benchmark::ClobberMemory();
  }
  set_bytes(state, plaintext.size());
}
BENCHMARK(aead_open)->ArgsProduct({{0, 1, 2, 3}, {64, 16384}});

void gcm_on_evp(benchmark::State& state) {
  const SecretBytes schedule = gcm_expand(GcmBackend::kEvp, Bytes(32, 7));
  const Bytes nonce(12, 1);
  const Bytes plaintext(static_cast<std::size_t>(state.range(0)), 0x5A);
  Bytes out(plaintext.size() + kAeadTagBytes);
  for (auto _ : state) {
    gcm_seal(schedule, true,
             {nonce.data(),
              {},
              plaintext,
              out.data(),
              out.data() + plaintext.size()});
    benchmark::ClobberMemory();
  }
  set_bytes(state, plaintext.size());
}
BENCHMARK(gcm_on_evp)->Arg(64)->Arg(16384);

void aead_create(benchmark::State& state) {
  const Bytes key(32, 7);
  for (auto _ : state) {
    auto aead = Aead::create(AeadAlgorithm::kAes256Gcm, key);
    benchmark::DoNotOptimize(aead);
  }
}
BENCHMARK(aead_create);

void hash_64_bytes(benchmark::State& state) {
  const auto algorithm = static_cast<HashAlgorithm>(state.range(0));
  state.SetLabel(std::string(hash_name(algorithm)));
  const Bytes data(64, 0x5A);
  for (auto _ : state) benchmark::DoNotOptimize(hash(algorithm, data));
}
BENCHMARK(hash_64_bytes)->Arg(0)->Arg(2)->Arg(4)->Arg(6);

void hmac_64_bytes(benchmark::State& state) {
  const auto algorithm = static_cast<HashAlgorithm>(state.range(0));
  state.SetLabel(std::string(hash_name(algorithm)));
  const Hmac mac(algorithm, Bytes(32, 7));
  const Bytes data(64, 0x5A);
  for (auto _ : state) benchmark::DoNotOptimize(mac.sign(data));
}
BENCHMARK(hmac_64_bytes)->Arg(0)->Arg(2)->Arg(4)->Arg(6);

void hkdf_64_bytes(benchmark::State& state) {
  const Bytes key(32, 7);
  for (auto _ : state) {
    benchmark::DoNotOptimize(hkdf_sha256(key, {}, as_bytes("context"), 64));
  }
}
BENCHMARK(hkdf_64_bytes);

void rng_fill(benchmark::State& state) {
  SystemRng rng;
  Bytes out(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    rng.fill(out);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(rng_fill)->Arg(12)->Arg(32)->Arg(4096);

void shamir_3_of_5(benchmark::State& state) {
  SystemRng rng;
  const SecretBytes secret = rng.secret(32);
  for (auto _ : state) {
    auto shares = shamir_split(secret, 5, 3, rng);
    benchmark::DoNotOptimize(shamir_combine(*shares));
  }
}
BENCHMARK(shamir_3_of_5);

}  // namespace
}  // namespace bulla::crypto
