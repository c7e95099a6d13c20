#include "storage/sole_storage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace bulla::storage {
namespace {

std::string own_name() {
  std::array<char, 128> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("{}:{}", host.data(), ::getpid());
}

Error taken() {
  return unavailable(
      "another process took the storage while this one stood still: end this "
      "server");
}

}  // namespace

SoleStorage::SoleStorage(std::unique_ptr<Storage> inner,
                         Coordination& coordination, std::chrono::seconds lease)
    : inner_(std::move(inner)),
      coordination_(coordination),
      lease_(lease),
      name_(own_name()) {}

Result<std::unique_ptr<SoleStorage>> SoleStorage::open(
    std::unique_ptr<Storage> inner, Coordination& coordination,
    std::chrono::seconds lease) {
  std::unique_ptr<SoleStorage> made(
      new SoleStorage(std::move(inner), coordination, lease));
  TRY(made->acquire());
  made->keeper_ = std::thread([self = made.get()] { self->keep(); });
  return made;
}

SoleStorage::~SoleStorage() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  if (epoch_ != 0) static_cast<void>(coordination_.release(epoch_));
}

Candidate SoleStorage::candidate() const { return {name_, {}, lease_}; }

Result<void> SoleStorage::acquire() {
  constexpr std::chrono::milliseconds kPause{200};
  constexpr std::chrono::seconds kSpare{3};
  const auto deadline = std::chrono::steady_clock::now() + lease_ + kSpare;
  while (true) {
    TRY_ASSIGN(const auto attempt, coordination_.try_lead(candidate()));
    if (attempt.won) {
      epoch_ = attempt.leader.epoch;
      return {};
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(unavailable(fmt::format(
          "{}: in use by another process, {} (host:process): end that server "
          "first",
          inner_->kind(), attempt.leader.name)));
    }
    std::this_thread::sleep_for(kPause);
  }
}

Result<void> SoleStorage::commit(std::span<const Change> changes) {
  if (changes.empty()) return inner_->commit(changes);
  const std::uint64_t epoch = epoch_;
  const auto done = coordination_.commit_fenced(changes, epoch);
  const bool deposed =
      !done && done.error().code() == ErrorCode::kPermissionDenied;
  if (!deposed) return done;
  TRY(resume(epoch));
  const auto again = coordination_.commit_fenced(changes, epoch_);
  if (!again && again.error().code() == ErrorCode::kPermissionDenied) {
    return fail(unavailable(again.error().message()));
  }
  return again;
}

/// Leads again after its lease lapsed, if nobody led in between: what this
/// process has in memory is then still what is stored.
Result<void> SoleStorage::resume(std::uint64_t lapsed) {
  const std::lock_guard lock(resuming_);
  if (lost_) return fail(taken());
  if (epoch_ != lapsed) return {};
  TRY_ASSIGN(const auto attempt, coordination_.try_lead(candidate()));
  if (attempt.won && attempt.previous == lapsed) {
    epoch_ = attempt.leader.epoch;
    return {};
  }
  // A leader without a name has ended just now.
  if (!attempt.won && attempt.leader.epoch == lapsed) return {};
  lost_ = attempt.won || !attempt.leader.name.empty();
  if (attempt.won) {
    static_cast<void>(coordination_.release(attempt.leader.epoch));
  }
  return fail(taken());
}

void SoleStorage::keep() {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, lease_ / 4, [&] { return ending_; })) {
    lock.unlock();
    const std::uint64_t epoch = epoch_;
    const auto renewed = coordination_.renew(epoch);
    if (!renewed && renewed.error().code() == ErrorCode::kPermissionDenied) {
      static_cast<void>(resume(epoch));
    }
    lock.lock();
  }
}

}  // namespace bulla::storage
