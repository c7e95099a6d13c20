#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "barrier/barrier.h"
#include "barrier/entry.h"
#include "barrier/keyring.h"
#include "storage/fault.h"
#include "storage/memory.h"

namespace bulla::barrier {

/// A clock that a test steps.
class TestClock final : public Clock {
 public:
  Time now() const override { return time; }
  Time time = from_unix_nanos(1'700'000'000'123'456'789);
};

inline SecretBytes key_of(std::uint8_t byte) {
  SecretBytes key(Keyring::kRootKeyBytes);
  for (auto& b : key.expose_mutable()) b = byte;
  return key;
}

/// A barrier over memory with faults in between, opened and stored.
class BarrierTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto change = barrier_.create(root_);
    ASSERT_TRUE(change) << change.error().message();
    ASSERT_TRUE(memory_.commit({&*change, 1}));
  }

  static std::string value_at(Barrier& barrier, std::string_view path) {
    const auto entry = barrier.get(path);
    if (!entry) return std::string(error_code_name(entry.error().code()));
    return *entry ? to_text((*entry)->value.expose()) : "<absent>";
  }
  std::string value_at(std::string_view path) {
    return value_at(barrier_, path);
  }
  std::string get_error(std::string_view path) {
    const auto entry = barrier_.get(path);
    return entry ? "no error" : entry.error().message();
  }
  Result<void> put(std::string path, std::string_view value) {
    return barrier_.put(std::move(path), as_bytes(value));
  }
  /// Replaces what storage holds at `path`.
  void forge(const std::string& path, Bytes bytes) {
    const storage::Change change{path, std::move(bytes), std::nullopt};
    ASSERT_TRUE(memory_.commit({&change, 1}));
  }
  Bytes stored(std::string_view path) {
    return memory_.get(path).value().value().value;
  }
  std::uint32_t term() { return barrier_.key_status()->term; }
  static ErrorCode code_of(const Result<void>& result) {
    EXPECT_FALSE(result) << "an error was expected";
    return result ? ErrorCode::kInternal : result.error().code();
  }

  TestClock clock_;
  crypto::SystemRng rng_;
  SecretBytes root_ = key_of(0x11);
  storage::MemoryStorage memory_;
  storage::FaultStorage fault_{memory_};
  Barrier barrier_{fault_, rng_, clock_};
};

}  // namespace bulla::barrier
