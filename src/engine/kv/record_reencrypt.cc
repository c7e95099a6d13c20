// Sealing records anew whose DEK is no longer the active one.

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "engine/kv/record_store.h"

namespace bulla::engine::kv {
namespace {

// A commit that holds up the store no longer than a large write does.
// One more body still fits a commit.
constexpr std::size_t kBatchBytesMax =
    storage::Storage::kCommitBytesMax - storage::Storage::kValueBytesMax;
// A record of one version is four changes.
constexpr std::size_t kSlice = storage::Storage::kChangesMax / 4;
// Commits that are on their way at the same time share the flush of one.
constexpr std::size_t kThreadsMax = 32;

}  // namespace

// One step: threads take slices of its records, each slice a commit.
class RecordStore::Reencryption {
 public:
  Reencryption(RecordStore& store, std::vector<std::string> ids,
               std::string_view dek_id)
      : store_(store), ids_(std::move(ids)), dek_id_(dek_id) {}

  Result<std::uint64_t> run(std::vector<std::string>& damaged);

 private:
  // What one thread did.
  struct Share {
    std::uint64_t done = 0;
    std::vector<std::string> alone;  // too large, or changed meanwhile
    std::vector<std::string> damaged;
  };

  void work();
  void merge(Share share, Result<void> outcome);
  Result<void> take_slices(Share& share);
  Result<void> take(std::span<const std::string> slice, std::size_t& next,
                    Share& share);
  Result<void> take_alone();

  RecordStore& store_;
  const std::vector<std::string> ids_;
  const std::string_view dek_id_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  Share all_;             // guarded by mutex_
  Result<void> outcome_;  // of the first thread that failed
};

void RecordStore::Batch::append(Batch other) {
  std::ranges::move(other.changes, std::back_inserter(changes));
  std::ranges::move(other.values, std::back_inserter(values));
  std::ranges::move(other.uses, std::back_inserter(uses));
  bytes += other.bytes;
}

Result<dek::SealedBody> RecordStore::seal_anew(const Place& place,
                                               std::uint64_t deks_at) const {
  TRY_ASSIGN(const auto body, stored_body(place));
  if (!body) {
    // A writer may have taken it away since; then the commit would tell, too.
    TRY_ASSIGN(const auto now, load_deks(place.record_id));
    if (!now || now->at != deks_at) {
      return fail(ErrorCode::kConflict, "changed meanwhile");
    }
    return fail(
        corrupt("a body is missing").with_context(std::string(place.path)));
  }
  TRY_ASSIGN(const SecretBytes data, open(place, *body));
  return seal_body(place, data.expose());
}

Result<RecordStore::Plan> RecordStore::plan_reencrypt(
    std::string_view id, std::string_view dek_id) const {
  Plan plan;
  TRY_ASSIGN(const auto old, load_deks(id));
  if (!old) return plan;
  BodyDeks deks = old->deks;
  for (auto& [number, its_dek] : deks.ids) {
    if (its_dek != dek_id) continue;
    if (plan.batch.changes.size() == kBodiesMax ||
        plan.batch.bytes > kBatchBytesMax) {
      plan.more = true;
      break;
    }
    TRY_ASSIGN(auto sealed, seal_anew({deks.path, id, number}, old->at));
    // It is the active one: there is nothing to leave it for.
    if (sealed.dek_id == dek_id) return Plan();
    add_put(plan.batch, body_path(id, number), encode(sealed));
    its_dek = std::move(sealed.dek_id);
  }
  if (plan.batch.changes.empty()) return plan;
  add_put(plan.batch, deks_path(id), encode(deks));
  plan.batch.changes.back().expected = old->at;
  add_uses(plan.batch, id, dek_set(old->deks.ids), dek_set(deks.ids));
  return plan;
}

// Whoever writes the record meanwhile comes first; true once no version of it
// is left under the DEK.
Result<bool> RecordStore::reencrypt_alone(std::string_view id,
                                          std::string_view dek_id) {
  for (int conflicts = 0; conflicts < kAttemptsMax;) {
    const UsageIndex::Writing writing(index_);
    auto plan = plan_reencrypt(id, dek_id);
    if (plan && plan->batch.changes.empty()) return false;
    const bool more = plan && plan->more;
    const auto sent =
        plan ? send(plan->batch) : Result<void>(fail(std::move(plan).error()));
    if (sent && !more) return true;
    if (sent) continue;
    if (sent.error().code() != ErrorCode::kConflict) {
      return fail(sent.error());
    }
    ++conflicts;
  }
  return false;
}

// One commit of as many records as go into it, from `slice[next]` on.
Result<void> RecordStore::Reencryption::take(std::span<const std::string> slice,
                                             std::size_t& next, Share& share) {
  const UsageIndex::Writing writing(store_.index_);
  Batch batch;
  std::vector<std::string> batched;
  for (; next < slice.size(); ++next) {
    auto plan = store_.plan_reencrypt(slice[next], dek_id_);
    if (!plan && plan.error().code() == ErrorCode::kCorrupt) {
      share.damaged.push_back(plan.error().message());
      continue;
    }
    const bool conflict = !plan && plan.error().code() == ErrorCode::kConflict;
    if (conflict || (plan && plan->more)) share.alone.push_back(slice[next]);
    if (conflict) continue;
    if (!plan) return fail(std::move(plan).error());
    if (plan->more || plan->batch.changes.empty()) continue;
    const bool fits = batch.changes.size() + plan->batch.changes.size() <=
                          storage::Storage::kChangesMax &&
                      batch.bytes + plan->batch.bytes <= kBatchBytesMax;
    if (!fits && !batched.empty()) break;
    batch.append(std::move(plan->batch));
    batched.push_back(slice[next]);
  }
  const auto sent = store_.send(batch);
  if (sent) share.done += batched.size();
  if (sent || sent.error().code() != ErrorCode::kConflict) return sent;
  std::ranges::move(batched, std::back_inserter(share.alone));
  return {};
}

Result<void> RecordStore::Reencryption::take_slices(Share& share) {
  while (true) {
    const std::size_t from = next_.fetch_add(kSlice);
    if (from >= ids_.size()) return {};
    const auto slice =
        std::span(ids_).subspan(from, std::min(kSlice, ids_.size() - from));
    for (std::size_t next = 0; next < slice.size();) {
      TRY(take(slice, next, share));
    }
  }
}

void RecordStore::Reencryption::merge(Share share, Result<void> outcome) {
  const std::lock_guard lock(mutex_);
  all_.done += share.done;
  std::ranges::move(share.alone, std::back_inserter(all_.alone));
  std::ranges::move(share.damaged, std::back_inserter(all_.damaged));
  if (outcome || !outcome_) return;
  outcome_ = std::move(outcome);
  next_ = ids_.size();  // the others end, too
}

void RecordStore::Reencryption::work() {
  Share share;
  auto outcome = take_slices(share);
  merge(std::move(share), std::move(outcome));
}

Result<void> RecordStore::Reencryption::take_alone() {
  for (const std::string& id : all_.alone) {
    auto done = store_.reencrypt_alone(id, dek_id_);
    if (!done && done.error().code() == ErrorCode::kCorrupt) {
      all_.damaged.push_back(done.error().message());
      continue;
    }
    if (!done) return fail(std::move(done).error());
    if (*done) ++all_.done;
  }
  return {};
}

Result<std::uint64_t> RecordStore::Reencryption::run(
    std::vector<std::string>& damaged) {
  const std::size_t slices = (ids_.size() + kSlice - 1) / kSlice;
  run_beside(std::min(slices, kThreadsMax), [this] { work(); });
  if (outcome_) outcome_ = take_alone();
  std::ranges::move(all_.damaged, std::back_inserter(damaged));
  TRY(outcome_);
  return all_.done;
}

Result<ReencryptStep> RecordStore::reencrypt(
    std::string_view dek_id, std::string_view cursor, std::size_t limit,
    std::vector<std::string>& damaged) {
  limit = std::clamp<std::size_t>(limit, 1, storage::Storage::kListMax);
  TRY_ASSIGN(auto ids, use_ids(dek_id, cursor, limit));
  ReencryptStep step;
  step.visited = ids.size();
  if (ids.size() == limit) step.cursor = ids.back();
  TRY_ASSIGN(step.reencrypted,
             Reencryption(*this, std::move(ids), dek_id).run(damaged));
  return step;
}

}  // namespace bulla::engine::kv
