#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bulla::loadgen {

/// Latencies in 0.1 µs below 100 ms, and what was slower as that.
class Histogram {
 public:
  void add(std::uint64_t ns) {
    ++count_;
    ++slots_[std::min<std::size_t>(ns / 100, slots_.size() - 1)];
  }
  void clear() {
    std::fill(slots_.begin(), slots_.end(), 0U);
    count_ = 0;
  }
  double percentile_us(double part) const {
    const auto wanted =
        static_cast<std::uint64_t>(static_cast<double>(count_) * part);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      seen += slots_[i];
      if (seen > wanted) return static_cast<double>(i) / 10;
    }
    return 0;
  }

 private:
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1'000'000);
  std::uint64_t count_ = 0;
};

struct Totals {
  std::uint64_t requests = 0;
  std::uint64_t bad = 0;
  std::uint64_t bytes = 0;
  Histogram latency;

  void add(int status, std::uint64_t ns, bool aside = false) {
    ++requests;
    if (status < 200 || status > 299) ++bad;
    if (!aside) latency.add(ns);
  }
  void clear() {
    requests = bad = bytes = 0;
    latency.clear();
  }
};

}  // namespace bulla::loadgen
