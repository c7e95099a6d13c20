// Sealing records anew whose DEK is no longer the active one.

#include <algorithm>
#include <utility>

#include "engine/kv/record_store.h"

namespace bulla::engine::kv {
namespace {

// A commit that holds up the store no longer than a large write does.
constexpr std::size_t kBatchBytesMax = std::size_t{8} << 20;

}  // namespace

Result<void> RecordStore::seal_anew(Draft& draft, std::uint64_t number) const {
  TRY_ASSIGN(const auto body, stored_body(draft.record, number));
  if (!body) {
    // A writer may have taken it away since; then the commit would tell, too.
    TRY_ASSIGN(const auto now, find(draft.record.path));
    const Version* const version =
        now && now->id == draft.record.id ? now->find(number) : nullptr;
    const bool gone = version == nullptr || version->dek_id.empty();
    if (gone) return fail(ErrorCode::kConflict, "changed meanwhile");
    return fail(corrupt("a body is missing").with_context(draft.record.path));
  }
  TRY_ASSIGN(const SecretBytes data, open(draft.record, number, *body));
  return seal(draft, number, data.expose());
}

Result<RecordStore::Plan> RecordStore::plan_reencrypt(
    const Use& use, std::string_view dek_id) const {
  Plan plan;
  TRY_ASSIGN(const Loaded old, load(use.path));
  if (!old.record || old.record->id != use.record_id) return plan;
  Draft draft;
  draft.exists = true;
  draft.record = *old.record;
  std::size_t bytes = 0;
  for (const auto& [number, version] : old.record->versions) {
    if (version.dek_id != dek_id) continue;
    if (draft.bodies.size() == kBodiesMax || bytes > kBatchBytesMax) {
      plan.more = true;
      break;
    }
    TRY(seal_anew(draft, number));
    const dek::SealedBody& sealed = draft.bodies.at(number);
    // It is the active one: there is nothing to leave it for.
    if (sealed.dek_id == dek_id) return Plan();
    bytes += sealed.bytes.size();
  }
  if (!draft.bodies.empty()) add_change(plan.batch, old, draft);
  return plan;
}

// One commit of as many records as go into it, from `uses[next]` on.
Result<void> RecordStore::reencrypt_some(const std::vector<Use>& uses,
                                         std::size_t& next,
                                         std::string_view dek_id, Step& step) {
  const UsageIndex::Writing writing(index_);
  Batch batch;
  std::vector<Use> batched;
  for (; next < uses.size(); ++next) {
    auto plan = plan_reencrypt(uses[next], dek_id);
    if (!plan && plan.error().code() == ErrorCode::kCorrupt) {
      step.damaged.push_back(plan.error().message());
      continue;
    }
    if (!plan && plan.error().code() == ErrorCode::kConflict) {
      step.alone.push_back(uses[next]);
      continue;
    }
    if (!plan) return fail(std::move(plan).error());
    if (plan->more) step.alone.push_back(uses[next]);
    if (plan->more || plan->batch.changes.empty()) continue;
    const bool fits = batch.changes.size() + plan->batch.changes.size() <=
                          storage::Storage::kChangesMax &&
                      batch.bytes + plan->batch.bytes <= kBatchBytesMax;
    if (!fits && !batched.empty()) break;
    std::ranges::move(plan->batch.changes, std::back_inserter(batch.changes));
    std::ranges::move(plan->batch.values, std::back_inserter(batch.values));
    std::ranges::move(plan->batch.uses, std::back_inserter(batch.uses));
    batch.bytes += plan->batch.bytes;
    batched.push_back(uses[next]);
  }
  const auto sent = send(batch);
  if (sent) {
    step.done.reencrypted += batched.size();
    return {};
  }
  if (sent.error().code() != ErrorCode::kConflict) return sent;
  std::ranges::move(batched, std::back_inserter(step.alone));
  return {};
}

// Whoever writes the record meanwhile comes first; true once no version of it
// is left under the DEK.
Result<bool> RecordStore::reencrypt_alone(const Use& use,
                                          std::string_view dek_id) {
  for (int conflicts = 0; conflicts < kAttemptsMax;) {
    const UsageIndex::Writing writing(index_);
    auto plan = plan_reencrypt(use, dek_id);
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

Result<ReencryptStep> RecordStore::reencrypt(
    std::string_view dek_id, std::string_view cursor, std::size_t limit,
    std::vector<std::string>& damaged) {
  limit = std::clamp<std::size_t>(limit, 1, storage::Storage::kListMax);
  TRY_ASSIGN(const auto records, uses(dek_id, cursor, limit));
  Step step{.done = {}, .alone = {}, .damaged = damaged};
  for (std::size_t next = 0; next < records.size();) {
    TRY(reencrypt_some(records, next, dek_id, step));
  }
  for (const Use& use : step.alone) {
    auto done = reencrypt_alone(use, dek_id);
    if (!done && done.error().code() == ErrorCode::kCorrupt) {
      damaged.push_back(done.error().message());
      continue;
    }
    if (!done) return fail(std::move(done).error());
    if (*done) ++step.done.reencrypted;
  }
  step.done.visited = records.size();
  if (records.size() == limit) step.done.cursor = records.back().record_id;
  return step.done;
}

}  // namespace bulla::engine::kv
