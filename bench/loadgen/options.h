#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace bulla::loadgen {

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8200;
  bool tls = false;
  bool h2 = false;
  bool random = false;
  unsigned connections = 32;
  unsigned depth = 1;
  double seconds = 5;
  std::uint64_t requests =
      0;  ///< Stop after so many answers; 0: after `seconds`.
  double warmup = 0.5;
  std::string method = "POST";
  std::string path = "/v1/transit/encrypt/k";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string templates;
};

[[noreturn]] inline void die(const std::string& what) {
  std::fprintf(stderr, "loadgen: %s\n", what.c_str());
  std::exit(1);
}

inline std::uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(t.tv_nsec);
}

/// Reads the command line; ends the program at what it does not know.
Options parse(int argc, char** argv);

}  // namespace bulla::loadgen
