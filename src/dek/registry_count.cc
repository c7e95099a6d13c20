// Registry: counting encryptions, ahead of what is stored.

#include <fmt/format.h>

#include <algorithm>

#include "dek/registry.h"
#include "dek/registry_table.h"

namespace bulla::dek {
namespace {

// A first reservation is small, lest crashes count much that never was; each
// one after it is larger, so that a busy DEK seldom waits.
constexpr std::uint64_t kStepFirst = 4096;
constexpr std::uint64_t kStepGrowth = 8;
constexpr std::uint64_t kStepMost = std::uint64_t{1} << 20;
constexpr std::size_t kWriteBatch = 64;

}  // namespace

std::shared_ptr<Registry::Count> Registry::make_count(std::uint64_t ceiling) {
  return std::make_shared<Count>(ceiling, kStepFirst);
}

Result<void> Registry::extend(std::string_view id) {
  const std::lock_guard lock(mutex_);
  TRY(freshen());
  const auto now = table_.load();
  TRY_ASSIGN(const Dek* const dek, dek_of(*now, id));
  const EncryptionCount& count = dek->count->value;
  // Somebody else was faster.
  if (dek->info.status != Status::kActive) return {};
  if (count.count() < count.reserved()) return {};
  if (count.count() < options_.encryptions_usual) return reserve(*dek);
  auto replaced = replace_full(dek->info);
  if (replaced || count.count() >= options_.encryptions_most) return replaced;
  log_.error("a DEK that did its encryptions cannot be replaced",
             {{"id", dek->info.id}, {"error", replaced.error().message()}});
  return reserve(*dek);
}

Result<void> Registry::reserve(const Dek& dek) {
  Count& count = *dek.count;
  const std::uint64_t used = count.value.count();
  const std::uint64_t limit = used < options_.encryptions_usual
                                  ? options_.encryptions_usual
                                  : options_.encryptions_most;
  // One at a time where it should have been replaced: that is tried again soon.
  const std::uint64_t step =
      used < options_.encryptions_usual ? count.step : kStepFirst;
  const std::uint64_t ceiling = used + std::min(step, limit - used);
  const SecretBytes record = CountRecord{ceiling}.serialise();
  TRY(store({barrier::Change::put(CountRecord::path_of(dek.info.id),
                                  record.expose())}));
  count.stored = ceiling;
  count.step = std::min(count.step * kStepGrowth, kStepMost);
  count.value.reserve(ceiling);
  return {};
}

void Registry::store_counts(const Table& table) {
  std::vector<SecretBytes> records;
  std::vector<barrier::Change> changes;
  const auto write = [&] {
    if (auto stored = barrier_.commit(changes); !stored) {
      log_.warn("encryptions of DEKs count as more than they are",
                {{"error", stored.error().message()}});
    }
    changes.clear();
    records.clear();
  };
  for (const auto& [id, dek] : table.deks()) {
    const std::uint64_t count = dek.count->value.close();
    if (dek.count->stored == count) continue;
    records.push_back(CountRecord{count}.serialise());
    changes.push_back(barrier::Change::put(CountRecord::path_of(id),
                                           records.back().expose()));
    if (changes.size() == kWriteBatch) write();
  }
  if (!changes.empty()) write();
}

}  // namespace bulla::dek
