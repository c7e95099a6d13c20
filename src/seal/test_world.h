#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
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
