#include <benchmark/benchmark.h>

#include <array>

#include "crypto/aead.h"
#include "crypto/asymmetric.h"
#include "crypto/cmac.h"
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

// ---- to be held against `openssl speed ecdsap256 rsa2048` ----

PrivateKey key_pair(benchmark::State& state) {
  static constexpr const char* kNames[] = {"ed25519", "p-256", "p-384", "p-521",
                                           "rsa-2048"};
  state.SetLabel(kNames[state.range(0)]);
  start_secure_heap(std::size_t{1} << 20);
  SystemRng rng;
  const auto algorithm = static_cast<AsymmetricAlgorithm>(state.range(0));
  return PrivateKey::generate(algorithm, 2048, rng).value();
}

SignatureScheme scheme_with(RsaPadding padding) {
  SignatureScheme scheme;
  scheme.padding = padding;
  return scheme;
}

// Arguments: the algorithm, the padding of RSA.
void sign_64_bytes(benchmark::State& state) {
  const PrivateKey key = key_pair(state);
  const auto scheme = scheme_with(static_cast<RsaPadding>(state.range(1)));
  const Bytes data(64, 0x5A);
  for (auto _ : state) benchmark::DoNotOptimize(key.sign(scheme, data));
}
BENCHMARK(sign_64_bytes)
    ->ArgsProduct({{0, 1, 2, 3}, {0}})
    ->ArgsProduct({{4}, {0, 1}});

void verify_64_bytes(benchmark::State& state) {
  const PrivateKey key = key_pair(state);
  const auto scheme = scheme_with(static_cast<RsaPadding>(state.range(1)));
  const Bytes data(64, 0x5A);
  const Bytes signature = key.sign(scheme, data).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.public_key().verify(scheme, data, signature));
  }
}
BENCHMARK(verify_64_bytes)
    ->ArgsProduct({{0, 1, 2, 3}, {0}})
    ->ArgsProduct({{4}, {0, 1}});

void rsa_encrypt(benchmark::State& state) {
  const PrivateKey key = key_pair(state);
  const Bytes data(32, 0x5A);
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.public_key().encrypt(
        RsaEncryption::kOaep, HashAlgorithm::kSha2_256, data));
  }
}
BENCHMARK(rsa_encrypt)->Arg(4);

void rsa_decrypt(benchmark::State& state) {
  const PrivateKey key = key_pair(state);
  constexpr auto kPadding = RsaEncryption::kOaep;
  constexpr auto kHash = HashAlgorithm::kSha2_256;
  const Bytes sealed =
      key.public_key().encrypt(kPadding, kHash, Bytes(32, 0x5A)).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.decrypt(kPadding, kHash, sealed));
  }
}
BENCHMARK(rsa_decrypt)->Arg(4);

void private_key_from_pkcs8(benchmark::State& state) {
  const PrivateKey key = key_pair(state);
  const SecretBytes encoded = key.pkcs8_der();
  for (auto _ : state) {
    benchmark::DoNotOptimize(PrivateKey::from_pkcs8(encoded.expose()));
  }
}
BENCHMARK(private_key_from_pkcs8)->DenseRange(0, 4);

void cmac_64_bytes(benchmark::State& state) {
  const Cmac mac =
      Cmac::create(Bytes(static_cast<std::size_t>(state.range(0)), 7)).value();
  const Bytes data(64, 0x5A);
  for (auto _ : state) benchmark::DoNotOptimize(mac.sign(data));
}
BENCHMARK(cmac_64_bytes)->Arg(16)->Arg(32);

}  // namespace
}  // namespace bulla::crypto
