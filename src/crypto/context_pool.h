#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "crypto/openssl.h"

namespace bulla::crypto {

/// The prepared EVP_PKEY_CTXs of one key that no thread uses just now. Making
/// one costs a fifth of an ECDSA signature. They belong to the key rather than
/// to threads, so that none outlives it. Any thread.
class ContextPool {
 public:
  /// One that was given under `tag`; null if there is none.
  PkeyContextPtr take(std::uint64_t tag) {
    const std::lock_guard lock(mutex_);
    for (auto& kept : kept_) {
      if (kept.tag != tag) continue;
      PkeyContextPtr context = std::move(kept.context);
      kept = std::move(kept_.back());
      kept_.pop_back();
      return context;
    }
    return nullptr;
  }

  /// Keeps `context`, prepared as `tag` says, in place of the oldest one where
  /// there are too many.
  void give(std::uint64_t tag, PkeyContextPtr context) {
    const std::lock_guard lock(mutex_);
    if (kept_.size() == kKeptMax) kept_.erase(kept_.begin());
    kept_.push_back({tag, std::move(context)});
  }

 private:
  static constexpr std::size_t kKeptMax = 16;
  struct Kept {
    std::uint64_t tag = 0;
    PkeyContextPtr context;
  };
  std::mutex mutex_;
  std::vector<Kept> kept_;
};

}  // namespace bulla::crypto
