#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "audit/broker.h"
#include "audit/device.h"
#include "barrier/barrier.h"
#include "crypto/rng.h"
#include "storage/memory.h"

namespace bulla::audit {

/// A clock that stands still until it is told.
class FixedClock final : public Clock {
 public:
  Time now() const override { return time; }
  Time time = from_unix_nanos(1'767'323'045'678'000'000);
};

/// A device that keeps what it is given, and can be made to fail.
class MemoryDevice final : public Device {
 public:
  MemoryDevice(DeviceOptions options, std::string_view salt)
      : Device({.path = "memory/", .type = "memory"}, options, salt) {}
  bool write(std::string_view lines) override {
    if (failing) return false;
    written += lines;
    return true;
  }
  Result<void> reopen() override { return {}; }

  std::string written;
  bool failing = false;
};

/// A broker on an open barrier, and a directory for its files.
class AuditTest : public testing::Test {
 protected:
  AuditTest() {
    char pattern[] = "/tmp/bulla-audit-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    const auto change = barrier_.create(rng_.secret(32));
    EXPECT_TRUE(change && storage_.commit(std::span(&*change, 1)));
  }
  ~AuditTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string file(const std::string& name) const {
    return directory_ + "/" + name;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::vector<std::string> lines(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }
  DeviceConfig file_config(const std::string& path,
                           const std::string& target) const {
    return {.path = path, .type = "file", .options = {{"file_path", target}}};
  }
  static std::string error_of(const Result<void>& result) {
    return result ? "" : result.error().message();
  }

  std::string directory_;
  FixedClock clock_;
  int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Logger log_{clock_, LogLevel::kError, LogFormat::kJson, null_};
  crypto::SystemRng rng_;
  storage::MemoryStorage storage_;
  barrier::Barrier barrier_{storage_, rng_, clock_};
  barrier::View view_{barrier_, "audit/"};
  Broker broker_{view_, rng_, clock_, log_};
};

}  // namespace bulla::audit
