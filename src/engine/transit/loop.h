#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
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

/// Where the latest version of a key lies in memory. With thousands of keys in
/// use none of it is in the cache, and each pointer is known only when the one
/// before has come: kept here, all are asked for at once.
struct HotMemory {
  HotMemory() = default;
  explicit HotMemory(const Key& seen)
      : key(&seen), version(&seen.latest()), usage(version->usage()) {
    if (const crypto::Aead* aead = version->aead()) schedule = aead->schedule();
  }
  void prefetch() const {
    constexpr std::size_t kLine = 64;
    const auto lines = [](const void* start, std::size_t bytes) {
      for (std::size_t at = 0; at < bytes; at += kLine) {
        __builtin_prefetch(static_cast<const char*>(start) + at);
      }
    };
    lines(key, sizeof(Key));
    lines(version, sizeof(KeyVersion));
    // Round keys come first, the powers that short messages need last.
    constexpr std::size_t kRoundKeys = 240;
    constexpr std::size_t kPowers = 128;
    lines(schedule.data(), std::min(schedule.size(), kRoundKeys));
    if (schedule.size() > kRoundKeys + kPowers) {
      lines(schedule.last(kPowers).data(), kPowers);
    }
    __builtin_prefetch(usage, 1);
  }

  const Key* key = nullptr;
  const KeyVersion* version = nullptr;
  const Usage* usage = nullptr;
  ByteView schedule;
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
    /// The newest snapshot; null when the key was deleted.
    const Key* newest() {
      hot.prefetch();
      const Key* found = key.get().get();
      // A version is counted from its first encryption on.
      if (found != hot.key || hot.usage == nullptr) [[unlikely]] {
        hot = found == nullptr ? HotMemory{} : HotMemory(*found);
      }
      return found;
    }
    std::shared_ptr<KeySlot> slot;
    Subscription<Key> key;
    HotMemory hot;
  };

  // One probe finds a name among 10,000, where a map of nodes takes four
  // cache misses one after the other.
  boost::unordered_flat_map<std::string, std::unique_ptr<Cached>, TextHash,
                            std::equal_to<>>
      keys;
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
