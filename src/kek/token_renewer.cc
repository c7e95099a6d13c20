#include "kek/token_renewer.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

namespace bulla::kek {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kShortest = seconds(1);
constexpr milliseconds kLongest = std::chrono::hours(24);
constexpr milliseconds kUnreachable = seconds(5);
constexpr milliseconds kRefused = seconds(60);
constexpr milliseconds kNever{0};

// Signals are for the threads that wait for them.
std::thread without_signals(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

milliseconds next_renewal(const TransitLease& lease, bool may_change) {
  if (!lease.renewable || lease.seconds == 0) {
    return may_change ? kRefused : kNever;
  }
  // Bounded first: a stranger's number must not overflow.
  const auto bounded = std::min<std::int64_t>(
      lease.seconds, seconds(kLongest * 2 / seconds(1)).count());
  return std::clamp<milliseconds>(seconds(bounded) / 2, kShortest, kLongest);
}

TokenRenewer::TokenRenewer(const TransitClient& client)
    : client_(client), thread_(without_signals([this] { run(); })) {}

TokenRenewer::~TokenRenewer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void TokenRenewer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const milliseconds wait = renew();
    if (wait == kNever) return;
    lock.lock();
    wake_.wait_for(lock, wait, [this] { return stopping_; });
  }
}

milliseconds TokenRenewer::renew() const {
  const bool may_change = client_.options().token.may_change();
  const CallLimits limits{std::chrono::steady_clock::now() + kCallTimeout, 1};
  auto answer =
      client_.call(TransitCall::kRenew, "auth/token/renew-self", "{}", limits);
  if (!answer) {
    if (answer.error().code() == ErrorCode::kUnavailable) return kUnreachable;
    return may_change ? kRefused : kNever;
  }
  const auto lease = parse_transit_lease(answer->body);
  return lease ? next_renewal(*lease, may_change) : kRefused;
}

}  // namespace bulla::kek
