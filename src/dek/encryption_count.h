#pragma once

#include <atomic>
#include <cstdint>

namespace bulla::dek {

/// How often one DEK encrypted. It counts to what was reserved for it in
/// storage, so that a crash makes the count too high and never too low.
class EncryptionCount {
 public:
  explicit EncryptionCount(std::uint64_t count) : count_(count) {}

  /// Takes one encryption; false when the reservation is used up. Any thread,
  /// no lock.
  bool take() {
    // In this order, as close() has the other: either we see that the
    // reservation ended, or close() sees what we took.
    const std::uint64_t before = count_.fetch_add(1);
    if (before < reserved_.load()) [[likely]]
      return true;
    count_.fetch_sub(1);
    return false;
  }
  std::uint64_t count() const { return count_.load(); }

  // Below, the registry's writer lock is held.
  std::uint64_t reserved() const { return reserved_.load(); }
  void reserve(std::uint64_t ceiling) { reserved_.store(ceiling); }
  /// Ends the reservation. The count, which then grows no more.
  std::uint64_t close() {
    reserved_.store(0);
    return count_.load();
  }

 private:
  // On a line of its own: readers of the DEK do not feel it.
  alignas(64) std::atomic<std::uint64_t> count_;
  std::atomic<std::uint64_t> reserved_{0};
};

}  // namespace bulla::dek
