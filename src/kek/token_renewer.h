#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "kek/transit_client.h"

namespace bulla::kek {

/// Keeps a transit token alive with a thread of its own: renews it at the start
/// and at half of what it is then good for. A token in a file that cannot be
/// renewed is looked at again, since it may be replaced; another is left alone.
/// Its failures show where the token is used. The destructor waits for a call
/// under way, kCallTimeout at most.
class TokenRenewer {
 public:
  static constexpr std::chrono::milliseconds kCallTimeout{5'000};

  /// `client` must outlive the renewer.
  explicit TokenRenewer(const TransitClient& client);
  ~TokenRenewer();
  TokenRenewer(const TokenRenewer&) = delete;
  TokenRenewer& operator=(const TokenRenewer&) = delete;

 private:
  void run();
  std::chrono::milliseconds renew() const;

  const TransitClient& client_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

/// How long to wait after `lease` was granted; zero: it will not get better.
std::chrono::milliseconds next_renewal(const TransitLease& lease,
                                       bool may_change);

}  // namespace bulla::kek
