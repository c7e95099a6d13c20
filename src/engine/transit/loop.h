#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/published.h"
#include "base/secret_bytes.h"
#include "engine/transit/batch.h"
#include "engine/transit/key_store.h"

namespace bulla::engine::transit {

/// What is counted, by request; kItems counts the messages in them.
enum class Count : std::uint8_t {
  kEncrypt,
  kDecrypt,
  kRewrap,
  kDatakey,
  kHmac,
  kCmac,
  kSign,
  kVerify,
  kRandom,
  kHash,
  kItems,
};
constexpr std::size_t kCounts = 11;

/// One thread's counters: written by it alone, read by any.
class Counters {
 public:
  void add(Count what, std::uint64_t more = 1) {
    std::atomic<std::uint64_t>& cell = cells_[static_cast<std::size_t>(what)];
    cell.store(cell.load(std::memory_order_relaxed) + more,
               std::memory_order_relaxed);
  }
  std::uint64_t get(std::size_t what) const {
    return cells_[what].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounts> cells_{};
};

/// Working memory for one message at a time; whoever puts a secret in wipes
/// it. Not thread-safe.
class Scratch {
 public:
  static constexpr std::size_t kKeptBytesMax = std::size_t{1} << 20;

  /// At least `size` bytes of undefined content; what was there is lost.
  std::uint8_t* reserve(std::size_t size) {
    if (size > size_) {
      const std::size_t larger = size < kLeast ? kLeast : size;
      // Uninitialised on purpose: every byte is written before it is read.
      memory_.reset(new std::uint8_t[larger]);
      size_ = larger;
    }
    return memory_.get();
  }
  /// Gives back what is too large to keep. After each request.
  void trim() {
    if (size_ <= kKeptBytesMax) return;
    memory_.reset();
    size_ = 0;
  }

 private:
  static constexpr std::size_t kLeast = 1024;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t size_ = 0;
};

/// What one thread keeps for a transit mount: the keys it used last, working
/// memory, counters. No other thread touches it (its counters are read).
struct TransitLoop {
  static constexpr std::size_t kNamesMax = 65'536;
  static constexpr std::size_t kItemsKeptMax = 16'384;

  /// A key as this thread last saw it; an atomic read tells if that holds.
  struct Cached {
    explicit Cached(std::shared_ptr<KeySlot> source)
        : slot(std::move(source)), key(*slot) {}
    std::shared_ptr<KeySlot> slot;
    Subscription<Key> key;
  };

  TextMap<std::unique_ptr<Cached>> keys;
  Scratch work;        // nonce ‖ plaintext, sealed in place
  Scratch opened;      // a decrypted plaintext
  Scratch context;     // a decoded derivation context
  Scratch associated;  // decoded associated data
  std::vector<BatchItem> items;
  std::vector<MacItem> mac_items;
  std::shared_ptr<Counters> counters;

  void trim() {
    for (Scratch* s : {&work, &opened, &context, &associated}) s->trim();
    if (items.capacity() > kItemsKeptMax) {
      items.clear();
      items.shrink_to_fit();
    }
    if (mac_items.capacity() > kItemsKeptMax) {
      mac_items.clear();
      mac_items.shrink_to_fit();
    }
  }
};

/// Totals of a mount since it was loaded.
struct TransitMetrics {
  std::uint64_t encrypt = 0;
  std::uint64_t decrypt = 0;
  std::uint64_t rewrap = 0;
  std::uint64_t datakey = 0;
  std::uint64_t hmac = 0;
  std::uint64_t cmac = 0;
  std::uint64_t sign = 0;
  std::uint64_t verify = 0;
  std::uint64_t random = 0;
  std::uint64_t hash = 0;
  std::uint64_t items = 0;  ///< Messages, each of a batch counted.
  std::uint64_t keys_in_memory = 0;
  /// Encryptions by the version that did most, as of the last tick.
  std::uint64_t highest_operations = 0;
  /// Keys rotated because a version had done all it may.
  std::uint64_t limit_rotations = 0;
};

}  // namespace bulla::engine::transit
