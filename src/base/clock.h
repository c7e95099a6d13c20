#pragma once

#include <chrono>

namespace bulla {

using Time = std::chrono::system_clock::time_point;
using Duration = std::chrono::nanoseconds;
using Seconds = std::chrono::seconds;

/// The time of day. Injected, so that tests can step it. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override { return std::chrono::system_clock::now(); }
};

inline std::int64_t unix_seconds(Time time) {
  return std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count();
}
inline std::int64_t unix_nanos(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             time.time_since_epoch())
      .count();
}
inline Time from_unix_nanos(std::int64_t nanos) {
  return Time(std::chrono::duration_cast<Time::duration>(
      std::chrono::nanoseconds(nanos)));
}

}  // namespace bulla
