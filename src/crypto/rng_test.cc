#include "crypto/rng.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

TEST(SystemRng, FillsEveryLength) {
  SystemRng rng;
  for (const std::size_t size : {0U, 1U, 12U, 1024U, 1025U, 100'000U}) {
    Bytes bytes(size + 2, 0);
    rng.fill(ByteSpan(bytes).subspan(1, size));
    EXPECT_EQ(bytes.front(), 0);
    EXPECT_EQ(bytes.back(), 0);
    if (size < 100) continue;
    const auto zeros = std::ranges::count(bytes, std::uint8_t{0});
    EXPECT_LT(zeros, static_cast<std::ptrdiff_t>(size / 64 + 20)) << size;
  }
}

TEST(SystemRng, NeverRepeatsAcrossRefillsAndThreads) {
  std::array<std::set<std::string>, 3> seen;
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&mine] {
      SystemRng rng;
      std::array<std::uint8_t, 12> nonce{};
      for (int i = 0; i < 5000; ++i) {
        rng.fill(nonce);
        mine.insert(hex_encode(nonce));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (auto& mine : seen) all.merge(mine);
  EXPECT_EQ(all.size(), 15'000U);
}

TEST(SystemRng, AForkedChildDoesNotShareTheBuffer) {
  SystemRng rng;
  std::array<std::uint8_t, 32> bytes{};
  rng.fill(bytes);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    rng.fill(bytes);
    const bool sent = ::write(ends[1], bytes.data(), bytes.size()) == 32;
    ::_exit(sent ? 0 : 1);
  }
  rng.fill(bytes);
  std::array<std::uint8_t, 32> of_child{};
  EXPECT_EQ(::read(ends[0], of_child.data(), of_child.size()), 32);
  EXPECT_NE(bytes, of_child);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

// Counts up, so that derived texts are known; 255 first, which base62 rejects.
class CountingRng final : public Rng {
 public:
  void fill(ByteSpan out) override {
    for (auto& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 255;
};

TEST(Rng, Base62DrawsAgainWhereBytesWereRejected) {
  CountingRng rng;
  EXPECT_EQ(rng.base62(3), "012");
  class Stubborn final : public Rng {
   public:
    void fill(ByteSpan out) override {
      std::ranges::fill(out,
                        ++calls_ < 3 ? std::uint8_t{255} : std::uint8_t{1});
    }

   private:
    int calls_ = 0;
  } stubborn;
  EXPECT_EQ(stubborn.base62(4), "1111");
  EXPECT_EQ(SystemRng().base62(0), "");
  EXPECT_EQ(SystemRng().base62(95).size(), 95U);
}

TEST(Rng, UuidsAreOfVersion4) {
  SystemRng rng;
  const std::string uuid = rng.uuid();
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(uuid, rng.uuid());
}

TEST(Rng, SecretsHaveTheirSize) {
  SystemRng rng;
  EXPECT_EQ(rng.secret(32).size(), 32U);
  EXPECT_FALSE(rng.secret(32) == rng.secret(32));
}

}  // namespace
}  // namespace bulla::crypto
