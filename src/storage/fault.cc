#include "storage/fault.h"

#include <thread>
#include <utility>

namespace bulla::storage {

void FaultStorage::fail_commit(std::uint64_t n, When when, Error error) {
  const std::lock_guard lock(mutex_);
  faults_.commit = CommitFault{n, when, std::move(error)};
}

void FaultStorage::fail_reads(Error error) {
  const std::lock_guard lock(mutex_);
  faults_.reads = std::move(error);
}

void FaultStorage::flip(std::string path, std::size_t offset,
                        std::uint8_t mask) {
  const std::lock_guard lock(mutex_);
  faults_.flips.insert_or_assign(std::move(path), Flip{offset, mask});
}

void FaultStorage::drop(std::string path) {
  const std::lock_guard lock(mutex_);
  faults_.dropped.insert(std::move(path));
}

void FaultStorage::delay(std::chrono::microseconds time) {
  const std::lock_guard lock(mutex_);
  faults_.delay = time;
}

void FaultStorage::set_hook(Hook hook) {
  const std::lock_guard lock(mutex_);
  faults_.hook = std::move(hook);
}

void FaultStorage::crash_at(std::uint64_t step) {
  const std::lock_guard lock(mutex_);
  faults_.crash_at = step;
}

void FaultStorage::clear() {
  const std::lock_guard lock(mutex_);
  faults_ = Faults{};
}

std::uint64_t FaultStorage::steps() const {
  const std::lock_guard lock(mutex_);
  return faults_.steps;
}

Result<void> FaultStorage::pass(Step step) {
  std::unique_lock lock(mutex_);
  const std::uint64_t number = ++faults_.steps;
  if (faults_.crash_at && number >= *faults_.crash_at) {
    return fail(unavailable("injected crash"));
  }
  const Hook hook = faults_.hook;
  const auto delay =
      step == Step::kAfterCommit ? std::chrono::microseconds(0) : faults_.delay;
  lock.unlock();
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
  return hook ? hook(step, number) : Result<void>();
}

Result<void> FaultStorage::pass_read(Step step) {
  TRY(pass(step));
  const std::lock_guard lock(mutex_);
  if (faults_.reads) return fail(*faults_.reads);
  return {};
}

std::optional<FaultStorage::CommitFault> FaultStorage::due_commit_fault() {
  const std::lock_guard lock(mutex_);
  if (!faults_.commit || --faults_.commit->countdown > 0) return std::nullopt;
  return std::exchange(faults_.commit, std::nullopt);
}

Result<std::optional<Entry>> FaultStorage::get(std::string_view path) {
  TRY(pass_read(Step::kGet));
  TRY_ASSIGN(auto entry, inner_.get(path));
  const std::lock_guard lock(mutex_);
  if (!entry || faults_.dropped.contains(path)) return std::nullopt;
  const auto flip = faults_.flips.find(path);
  if (flip != faults_.flips.end() && !entry->value.empty()) {
    entry->value[flip->second.offset % entry->value.size()] ^=
        flip->second.mask;
  }
  return entry;
}

Result<void> FaultStorage::commit(std::span<const Change> changes) {
  TRY(pass(Step::kBeforeCommit));
  const auto fault = due_commit_fault();
  if (fault && fault->when == When::kBefore) return fail(fault->error);
  if (fault && fault->when == When::kInstead) return {};
  TRY(inner_.commit(changes));
  TRY(pass(Step::kAfterCommit));
  if (fault) return fail(fault->error);
  return {};
}

Result<std::vector<std::string>> FaultStorage::list(std::string_view prefix,
                                                    std::string_view after,
                                                    std::size_t limit) {
  TRY(pass_read(Step::kList));
  return inner_.list(prefix, after, limit);
}

Result<std::vector<std::string>> FaultStorage::scan(std::string_view prefix,
                                                    std::string_view after,
                                                    std::size_t limit) {
  TRY(pass_read(Step::kScan));
  return inner_.scan(prefix, after, limit);
}

Result<std::unique_ptr<Snapshot>> FaultStorage::snapshot() {
  TRY(pass_read(Step::kSnapshot));
  return inner_.snapshot();
}

}  // namespace bulla::storage
