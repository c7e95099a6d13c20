#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "kek/env_kek.h"
#include "kek/static_kek.h"
#include "seal/custody.h"
#include "storage/memory.h"

namespace bulla::seal {

/// What custody tests stand on: a clock that stands still, a quiet log, and
/// servers ("nodes") that come and go over one storage.
class SteppedClock final : public Clock {
 public:
  Time now() const override { return now_; }
  void step(Seconds by) { now_ += by; }

 private:
  Time now_ = from_unix_nanos(1'700'000'000'000'000'000);
};

struct World {
  World() = default;
  explicit World(storage::Storage& other) : storage(&other) {}

  storage::MemoryStorage memory;
  storage::Storage* storage = &memory;
  crypto::SystemRng rng;
  SteppedClock clock;
  Logger log{clock, LogLevel::kError, LogFormat::kStandard,
             ::open("/dev/null", O_WRONLY | O_CLOEXEC)};
};

using Providers = std::vector<std::unique_ptr<kek::KekProvider>>;

struct Node {
  explicit Node(World& world, Providers providers = {},
                CustodyOptions options = {})
      : barrier(*world.storage, world.rng, world.clock),
        custody(barrier, std::move(providers), world.rng, world.clock,
                world.log, std::move(options)) {}

  Result<InitResult> init(const InitParams& params) {
    return custody.init(params, [] { return std::vector<storage::Change>{}; });
  }

  barrier::Barrier barrier;
  Custody custody;
};

inline kek::StaticKek::Key static_key(const std::string& id,
                                      std::uint8_t fill) {
  return {id, SecretBytes::copy_of(Bytes(32, fill))};
}

inline Providers static_provider(
    World& world, kek::StaticKek::Key current,
    std::optional<kek::StaticKek::Key> previous = std::nullopt,
    const std::string& name = "static") {
  Providers providers;
  providers.push_back(kek::StaticKek::create(name, std::move(current),
                                             std::move(previous), world.rng)
                          .value());
  return providers;
}

/// A provider with the versions `versions`, each under a key of its own.
inline std::unique_ptr<kek::KekProvider> env_kek(
    World& world, const std::vector<kek::KekVersion>& versions,
    const std::string& name = "env") {
  std::map<kek::KekVersion, SecretBytes> keys;
  for (const kek::KekVersion version : versions) {
    keys.emplace(version, SecretBytes::copy_of(Bytes(
                              32, static_cast<std::uint8_t>(100 + version))));
  }
  return kek::EnvKek::create(name, keys, world.rng).value();
}

inline Providers providers_of(std::unique_ptr<kek::KekProvider> first,
                              std::unique_ptr<kek::KekProvider> second = {}) {
  Providers all;
  all.push_back(std::move(first));
  if (second) all.push_back(std::move(second));
  return all;
}

/// A KEK over another one that a test can take down, slow down or make lie.
class FaultyKek final : public kek::KekProvider {
 public:
  struct Switch {
    std::optional<Error> error;  ///< Answered in place of everything.
    bool other_secret = false;   ///< unwrap() gives another secret.
    std::chrono::milliseconds delay{0};
    int calls = 0;
  };
  FaultyKek(std::unique_ptr<kek::KekProvider> inner,
            std::shared_ptr<Switch> faults)
      : inner_(std::move(inner)), faults_(std::move(faults)) {}

  std::string_view kind() const override { return inner_->kind(); }
  std::string_view name() const override { return inner_->name(); }
  kek::KekVersion active_version() const override {
    return inner_->active_version();
  }
  std::vector<kek::KekVersion> versions() const override {
    return inner_->versions();
  }
  void adopt(kek::KekVersion version, std::string_view key_id) override {
    inner_->adopt(version, key_id);
  }
  Result<kek::WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                               kek::KekVersion version,
                               kek::Deadline deadline) override {
    TRY(fault());
    return inner_->wrap(key, aad, version, deadline);
  }
  Result<SecretBytes> unwrap(const kek::WrappedKey& wrapped, ByteView aad,
                             kek::Deadline deadline) override {
    TRY(fault());
    TRY_ASSIGN(auto secret, inner_->unwrap(wrapped, aad, deadline));
    if (faults_->other_secret) secret.expose_mutable()[0] ^= 1;
    return secret;
  }
  bool is_current(const kek::WrappedKey& wrapped) const override {
    return inner_->is_current(wrapped);
  }

 private:
  Result<void> fault() {
    ++faults_->calls;
    std::this_thread::sleep_for(faults_->delay);
    if (faults_->error) return fail(*faults_->error);
    return {};
  }
  std::unique_ptr<kek::KekProvider> inner_;
  std::shared_ptr<Switch> faults_;
};

/// Little work, so that tests of passphrases take no time.
inline CustodyOptions cheap_passphrases() {
  CustodyOptions options;
  options.passphrase_cost = {.memory_kib = 8, .passes = 1, .lanes = 1};
  return options;
}

inline SecretBytes secret_text(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}

/// The failure `code` with just that message.
template <typename T>
void expect_error(const Result<T>& result, ErrorCode code,
                  std::string_view message) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), code);
  EXPECT_EQ(result.error().message(), message);
}

inline InitParams shamir_params(std::int64_t shares, std::int64_t threshold) {
  InitParams params;
  params.secret_shares = shares;
  params.secret_threshold = threshold;
  return params;
}

inline InitParams recovery_params(std::int64_t shares, std::int64_t threshold) {
  InitParams params;
  params.recovery_shares = shares;
  params.recovery_threshold = threshold;
  return params;
}

}  // namespace bulla::seal
