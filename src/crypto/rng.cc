#include "crypto/rng.h"

#include <openssl/rand.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "base/assert.h"
#include "base/encoding.h"

namespace bulla::crypto {
namespace {

constexpr std::size_t kBufferBytes = 8192;
constexpr std::size_t kBufferedMax = 1024;  // larger requests skip the buffer
constexpr std::size_t kOpensslMax = std::size_t{1} << 20;

// Raised in each forked child: buffers filled before it are the parent's, too.
std::atomic<std::uint64_t> fork_generation{1};

void fill_from_openssl(ByteSpan out) {
  while (!out.empty()) {
    const ByteSpan part = out.first(std::min(out.size(), kOpensslMax));
    BULLA_ASSERT(RAND_bytes(part.data(), static_cast<int>(part.size())) == 1);
    out = out.subspan(part.size());
  }
}

void watch_for_forks() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] {
    fork_generation.fetch_add(1, std::memory_order_relaxed);
  });
  BULLA_ASSERT(registered == 0);
}

// Bytes still to be handed out; those that were are zero.
class ThreadBuffer {
 public:
  void fill(ByteSpan out) {
    if (left_ < out.size() ||
        generation_ != fork_generation.load(std::memory_order_relaxed)) {
      refill();
    }
    const ByteSpan next =
        bytes_.expose_mutable().subspan(kBufferBytes - left_, out.size());
    std::memcpy(out.data(), next.data(), next.size());
    wipe(next);
    left_ -= out.size();
  }

 private:
  void refill() {
    watch_for_forks();
    if (bytes_.empty()) bytes_ = SecretBytes(kBufferBytes);
    generation_ = fork_generation.load(std::memory_order_relaxed);
    fill_from_openssl(bytes_.expose_mutable());
    left_ = kBufferBytes;
  }

  SecretBytes bytes_;
  std::size_t left_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace

std::string Rng::uuid() {
  std::array<std::uint8_t, 16> random{};
  fill(random);
  std::string text(36, '\0');
  uuid_format(random, text.data());
  return text;
}

std::string Rng::base62(std::size_t n) {
  SecretBytes random(2 * n);
  std::string text;
  while (text.size() < n) {
    fill(random.expose_mutable());
    text += base62_from(random.expose(), n - text.size());
  }
  return text;
}

void SystemRng::fill(ByteSpan out) {
  if (out.empty()) return;
  if (out.size() > kBufferedMax) {
    fill_from_openssl(out);
    return;
  }
  thread_local ThreadBuffer buffer;
  buffer.fill(out);
}

}  // namespace bulla::crypto
