#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

#include "net/message.h"

namespace bulla::net {

/// What a connection receives into: `capacity` bytes and kBodyPadding behind
/// them. Pooled by a loop, held by a connection only while it has bytes in it.
struct ReceiveBuffer {
  static constexpr std::size_t kBytes = std::size_t{16} << 10;

  explicit ReceiveBuffer(std::size_t bytes)
      : data(new char[bytes + kBodyPadding]()), capacity(bytes) {}

  std::unique_ptr<char[]> data;
  std::size_t capacity;
};

/// A body that did not fit in the receive buffer. Grows as its bytes arrive, so
/// that a length that a peer only claims costs nothing.
class BodyBuffer {
 public:
  BodyBuffer() = default;
  ~BodyBuffer() { std::free(data_); }
  BodyBuffer(BodyBuffer&& other) noexcept { swap(other); }
  BodyBuffer& operator=(BodyBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  BodyBuffer(const BodyBuffer&) = delete;
  BodyBuffer& operator=(const BodyBuffer&) = delete;

  void swap(BodyBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::string_view view() const { return {data_, size_}; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  /// Room behind the bytes that are there.
  std::span<char> space() { return {data_ + size_, capacity_ - size_}; }
  /// `bytes` of space() were filled.
  void grew(std::size_t bytes) { size_ += bytes; }
  void clear() { size_ = 0; }

  /// Makes room for `capacity` bytes in all. False: out of memory.
  bool reserve(std::size_t capacity);

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// A bound on bytes shared by all loops of a listener. Any thread.
class Budget {
 public:
  explicit Budget(std::size_t bytes) : left_(bytes) {}

  bool take(std::size_t bytes) {
    auto left = left_.load(std::memory_order_relaxed);
    while (left >= bytes) {
      if (left_.compare_exchange_weak(left, left - bytes,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void give(std::size_t bytes) {
    left_.fetch_add(bytes, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::size_t> left_;
};

/// One loop's share of a Budget: takes and returns it in large pieces, so that
/// requests with small bodies do not meet on one counter.
class LoopBudget {
 public:
  explicit LoopBudget(Budget& shared) : shared_(shared) {}
  ~LoopBudget() { shared_.give(left_); }
  LoopBudget(const LoopBudget&) = delete;
  LoopBudget& operator=(const LoopBudget&) = delete;

  bool take(std::size_t bytes);
  void give(std::size_t bytes);

 private:
  static constexpr std::size_t kPiece = std::size_t{1} << 20;

  Budget& shared_;
  std::size_t left_ = 0;
};

}  // namespace bulla::net
