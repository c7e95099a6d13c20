#include "seal/provider_health.h"

#include <utility>

namespace bulla::seal {

ProviderHealth::ProviderHealth(std::vector<Watched> watched, const Clock& clock,
                               const Logger& log)
    : watched_(std::move(watched)), clock_(clock), log_(log) {
  for (const Watched& one : watched_) {
    seen_.emplace_back().id = id_of(*one.provider);
  }
}

ProviderHealth::~ProviderHealth() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ProviderHealth::start() {
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    if (!watched_[i].options.enabled) continue;
    threads_.emplace_back([this, i] { run(i); });
  }
}

void ProviderHealth::run(std::size_t i) {
  const HealthOptions& options = watched_[i].options;
  for (;;) {
    const bool up = probe(i);
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, up ? options.interval : options.interval_unhealthy,
                       [&] { return stopping_; })) {
      return;
    }
  }
}

void ProviderHealth::tell_change(const Seen& now, Time was_since) const {
  const std::string seal = provider_text(now.id);
  if (!now.up) {
    log_.warn("a seal does not answer as it should; serving goes on",
              {{"seal", seal}, {"error", now.error}});
    return;
  }
  if (now.probes == 1) {
    log_.info("a seal answers", {{"seal", seal}});
    return;
  }
  log_.info("a seal answers again",
            {{"seal", seal},
             {"seconds_down", std::to_string(unix_seconds(now.since) -
                                             unix_seconds(was_since))}});
}

bool ProviderHealth::probe(std::size_t i) {
  const Watched& watched = watched_[i];
  const auto start = std::chrono::steady_clock::now();
  const auto probed = watched.provider->probe(start + watched.options.timeout);
  const auto took = std::chrono::steady_clock::now() - start;
  Seen now;
  Time was_since;
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    Seen& seen = seen_[i];
    was_since = seen.since;
    changed = seen.probes == 0 || seen.up != probed.has_value();
    if (changed) seen.since = clock_.now();
    seen.up = probed.has_value();
    seen.error = probed ? "" : probed.error().message();
    seen.latency = took;
    ++seen.probes;
    if (!probed) ++seen.failures;
    now = seen;
  }
  if (changed) tell_change(now, was_since);
  return now.up;
}

std::vector<ProviderHealth::Seen> ProviderHealth::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace bulla::seal
