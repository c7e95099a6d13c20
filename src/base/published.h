#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace bulla {

/// An immutable value that is replaced whole. Writers build a new one and
/// publish it; readers keep the one they took. load() takes a lock for the
/// time of a pointer copy; the request path uses Subscription, which takes none
/// while nothing has changed.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> initial = nullptr)
      : value_(std::move(initial)) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  std::shared_ptr<const T> load() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

  void publish(std::shared_ptr<const T> value) {
    std::shared_ptr<const T> old;  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    old = std::exchange(value_, std::move(value));
    version_.fetch_add(1, std::memory_order_release);
  }

  /// Raised by one at each publish; never zero.
  std::uint64_t version() const {
    return version_.load(std::memory_order_acquire);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<std::uint64_t> version_{1};
};

/// One thread's view of a Published value: an atomic read while it is
/// unchanged. Owned by a loop or a worker; not thread-safe itself.
template <typename T>
class Subscription {
 public:
  explicit Subscription(const Published<T>& source) : source_(&source) {}

  /// The newest value. The reference holds until the next call.
  const std::shared_ptr<const T>& get() {
    const std::uint64_t version = source_->version();
    if (version != seen_) [[unlikely]] {
      value_ = source_->load();
      seen_ = version;
    }
    return value_;
  }

 private:
  const Published<T>* source_;
  std::shared_ptr<const T> value_;
  std::uint64_t seen_ = 0;
};

}  // namespace bulla
