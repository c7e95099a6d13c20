#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kek/kek_provider.h"
#include "seal/seal_config.h"

namespace bulla::seal {

/// How a provider is watched: health_check_… of its seal stanza.
struct HealthOptions {
  bool enabled = true;
  Seconds timeout{60};
  Seconds interval{600};
  Seconds interval_unhealthy{60};  ///< While it is down.
};

/// Probes providers at their intervals, each on a thread of its own, so that a
/// slow one keeps no other waiting. What it finds is told in the log when it
/// changes, and by seen(); an outage changes nothing else. Any thread.
class ProviderHealth {
 public:
  struct Watched {
    kek::KekProvider* provider = nullptr;  ///< Outlives this.
    HealthOptions options;
  };
  struct Seen {
    ProviderId id;
    bool up = false;
    std::uint64_t probes = 0;  ///< 0: nothing is known yet.
    std::uint64_t failures = 0;
    std::chrono::nanoseconds latency{0};  ///< Of the last probe.
    Time since;                           ///< Of the present state.
    std::string error;                    ///< While down.
  };

  ProviderHealth(std::vector<Watched> watched, const Clock& clock,
                 const Logger& log);
  /// Waits for probes under way, which is their time-out at most.
  ~ProviderHealth();
  ProviderHealth(const ProviderHealth&) = delete;
  ProviderHealth& operator=(const ProviderHealth&) = delete;

  /// Begins to probe, at once and then at the intervals. Call it once.
  void start();
  /// One probe of provider `i`, now; whether it is up.
  bool probe(std::size_t i);
  /// In the order that was given, those that are not watched, too.
  std::vector<Seen> seen() const;

 private:
  void run(std::size_t i);
  void tell_change(const Seen& now, Time was_since) const;

  std::vector<Watched> watched_;
  const Clock& clock_;
  const Logger& log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<Seen> seen_;
  std::vector<std::thread> threads_;
};

}  // namespace bulla::seal
