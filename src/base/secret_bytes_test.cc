#include "base/secret_bytes.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <type_traits>

#include "base/secret_pool.h"

namespace bulla {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

TEST(SecretBytes, StartsZeroedAndAligned) {
  for (const std::size_t size :
       {1U, 63U, 64U, 65U, 1000U, 4096U, 5000U, 65536U, 65537U, 300'000U}) {
    SecretBytes secret(size);
    EXPECT_EQ(secret.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(secret.expose().data()) % 64,
              0U);
    EXPECT_TRUE(all_zero(secret.expose())) << size;
    std::ranges::fill(secret.expose_mutable(), std::uint8_t{0xAA});
  }
}

TEST(SecretBytes, FreedMemoryComesBackZeroed) {
  for (int round = 0; round < 200; ++round) {
    SecretBytes secret(100);
    ASSERT_TRUE(all_zero(secret.expose()));
    std::ranges::fill(secret.expose_mutable(), std::uint8_t{0xAA});
  }
}

TEST(SecretBytes, MovesAndClones) {
  SecretBytes first = SecretBytes::copy_of(as_bytes("secret"));
  SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT: a moved-from secret is empty
  EXPECT_EQ(as_text(second.expose()), "secret");
  SecretBytes clone = second.clone();
  EXPECT_TRUE(clone == second);
  clone.expose_mutable()[0] ^= 1;
  EXPECT_FALSE(clone == second);
  clone = std::move(second);
  EXPECT_EQ(as_text(clone.expose()), "secret");
  EXPECT_TRUE(SecretBytes().empty());
  EXPECT_TRUE(SecretBytes() == SecretBytes(0));
}

TEST(SecretBytes, ManyLiveAtOnceDoNotOverlap) {
  std::vector<SecretBytes> secrets;
  for (std::size_t i = 0; i < 3000; ++i) {
    secrets.emplace_back(1 + i % 700);
    std::ranges::fill(secrets.back().expose_mutable(),
                      static_cast<std::uint8_t>(i));
  }
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const auto wanted = static_cast<std::uint8_t>(i);
    EXPECT_TRUE(std::ranges::all_of(
        secrets[i].expose(), [&](std::uint8_t b) { return b == wanted; }));
  }
}

TEST(SecretBytes, ThreadsShareThePool) {
  std::vector<std::thread> threads;
  for (std::uint8_t id = 1; id <= 4; ++id) {
    threads.emplace_back([id] {
      std::vector<SecretBytes> kept;
      for (std::size_t i = 0; i < 2000; ++i) {
        SecretBytes secret(64U << (i % 4));
        if (!all_zero(secret.expose())) std::abort();
        std::ranges::fill(secret.expose_mutable(), id);
        if (i % 3 == 0) kept.push_back(std::move(secret));
        if (kept.size() > 50) kept.clear();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(ConstantTimeEqual, ComparesContentsAndLengths) {
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
  EXPECT_FALSE(constant_time_equal(as_bytes("abc"), {}));
}

TEST(WipeGuard, WipesAtTheEndOfItsScope) {
  Bytes buffer(100, 0xAA);
  { const WipeGuard guard(buffer); }
  EXPECT_TRUE(all_zero(buffer));
}

TEST(SecretBytes, LargeOnesComeBackZeroedToo) {
  for (std::size_t round = 0; round < 60; ++round) {
    const std::size_t size = 70'000 + round * 50'001;
    SecretBytes secret(size);
    SecretBytes second(size + 1);
    ASSERT_TRUE(all_zero(secret.expose()));
    ASSERT_TRUE(all_zero(second.expose()));
    std::ranges::fill(secret.expose_mutable(), std::uint8_t{0xAA});
    std::ranges::fill(second.expose_mutable(), std::uint8_t{0xBB});
    EXPECT_EQ(secret.expose().back(), 0xAA);
  }
}

#ifndef BULLA_SANITIZED

using SecretPoolDeathTest = ::testing::Test;

TEST(SecretPoolDeathTest, ALargeSecretEndsAtItsGuardPage) {
  SecretBytes secret(kSecretBlockMax + 64);
  volatile std::uint8_t* const data = secret.expose_mutable().data();
  EXPECT_DEATH(data[secret.size()] = 1, "");
}

TEST(SecretPoolDeathTest, FreedHugeSecretsAreUnmapped) {
  const volatile std::uint8_t* data = nullptr;
  {
    const SecretBytes secret(std::size_t{8} << 20);
    data = secret.expose().data();
  }
  EXPECT_DEATH(static_cast<void>(data[0]), "");
}

// The exit status of `body` in a child whose RLIMIT_MEMLOCK is zero; root
// keeps CAP_IPC_LOCK, so the child becomes nobody first.
template <typename Body>
int without_lockable_memory(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) ::_exit(99);
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SecretPool, NamesTheRemediesWhereMemoryDoesNotLock) {
  EXPECT_EQ(without_lockable_memory([] {
              const auto lockable = require_lockable_memory();
              if (lockable) return 1;
              const std::string& message = lockable.error().message();
              if (lockable.error().code() != ErrorCode::kExhausted) return 2;
              if (message.find("LimitMEMLOCK") == message.npos) return 3;
              return message.find("disable_mlock") == message.npos ? 4 : 0;
            }),
            0);
}

TEST(SecretPool, CarriesOnUnlockedAndSaysSo) {
  EXPECT_EQ(without_lockable_memory([] {
              SecretBytes secret(1 << 20);
              secret.expose_mutable()[0] = 1;
              return secret_memory_locked() ? 1 : 0;
            }),
            0);
}

#endif

}  // namespace
}  // namespace bulla
