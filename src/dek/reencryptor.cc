#include "dek/reencryptor.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "base/thread.h"

namespace bulla::dek {
namespace {

constexpr Seconds kIdle{1};
constexpr Seconds kStoreEvery{1};
// With a rate, a step is this part of a second's records.
constexpr std::uint64_t kStepsASecond = 4;

bool is_passing(const Error& error) {
  return error.code() == ErrorCode::kExhausted ||
         error.code() == ErrorCode::kUnavailable ||
         error.code() == ErrorCode::kConflict;
}

std::size_t batch_of(const Job& job) {
  std::uint64_t batch = Reencryptor::kBatch;
  if (job.rate != 0) {
    batch =
        std::min(batch, std::max<std::uint64_t>(job.rate / kStepsASecond, 1));
  }
  if (job.limit != 0) batch = std::min(batch, job.limit - job.reencrypted);
  return static_cast<std::size_t>(batch);
}

bool is_same(const Job& job, const ReencryptOrder& order) {
  return job.dek_id == order.dek_id && job.scope == order.scope &&
         job.limit == order.limit && job.rate == order.rate;
}

ReencryptOrder order_of(const Job& job) {
  return {job.dek_id, job.scope, job.limit, job.rate};
}

bool limit_reached(const Job& job) {
  return job.limit != 0 && job.reencrypted >= job.limit;
}

}  // namespace

Reencryptor::Reencryptor(Registry& registry, const RecordHolders& holders,
                         barrier::Barrier& barrier, crypto::Rng& rng,
                         const Clock& clock, const Logger& log,
                         JanitorOptions janitor, Announce announce)
    : registry_(registry),
      holders_(holders),
      barrier_(barrier),
      rng_(rng),
      clock_(clock),
      log_(log),
      janitor_(janitor),
      announce_(std::move(announce)) {}

Result<void> Reencryptor::loaded() const {
  if (loaded_) return {};
  return fail(ErrorCode::kSealed, "Vault is sealed");
}

Result<void> Reencryptor::load() {
  TRY_ASSIGN(const auto paths, barrier_.scan(Job::kPrefix));
  Jobs jobs;
  for (const std::string& path : paths) {
    TRY_ASSIGN(const auto entry, barrier_.get(path));
    if (!entry) continue;
    auto job = Job::parse(entry->value.expose());
    if (!job) {
      log_.error("a job is lost: its record is damaged",
                 {{"path", path}, {"error", job.error().message()}});
      continue;
    }
    std::string id = job->id;
    jobs.emplace(std::move(id), *std::move(job));
  }
  const std::lock_guard lock(mutex_);
  jobs_ = std::move(jobs);
  next_tidy_ = clock_.now() + janitor_.interval;
  loaded_ = true;
  wake_ = true;
  woken_.notify_all();
  return {};
}

void Reencryptor::clear() {
  const std::lock_guard lock(mutex_);
  if (!loaded_) return;
  if (Job* const job = running()) {
    if (auto stored = store(*job); !stored) {
      log_.warn("a job will go on from an earlier place",
                {{"id", job->id}, {"error", stored.error().message()}});
    }
  }
  loaded_ = false;
  ++epoch_;
  jobs_.clear();
}

Result<std::vector<std::string>> Reencryptor::targets(
    const ReencryptOrder& order) const {
  TRY_ASSIGN(const auto all, registry_.list());
  std::vector<std::string> ids;
  for (const DekInfo& info : all) {
    const bool wanted = order.dek_id.empty()
                            ? order.scope.empty() || info.scope == order.scope
                            : info.id == order.dek_id;
    if (wanted && info.status == Status::kDeprecated) ids.push_back(info.id);
  }
  return ids;
}

// A scope that is only mistyped has nothing to re-encrypt, which looks as if
// all were done.
Result<void> Reencryptor::check_scope(std::string_view scope) const {
  if (scope.empty()) return {};
  TRY_ASSIGN(const auto all, registry_.list());
  if (std::ranges::any_of(
          all, [&](const DekInfo& info) { return info.scope == scope; })) {
    return {};
  }
  return fail(
      invalid_argument(fmt::format("no DEK is of scope \"{}\"", scope)));
}

Result<std::uint64_t> Reencryptor::count(const ReencryptOrder& order) const {
  if (!order.dek_id.empty()) {
    TRY_ASSIGN(const DekInfo info, registry_.find(order.dek_id));
    if (info.status == Status::kActive) {
      return fail(invalid_argument(fmt::format(
          "DEK \"{}\" is active: make another one for scope \"{}\" first, to "
          "which its records can go",
          info.name, info.scope)));
    }
  }
  TRY(check_scope(order.scope));
  TRY_ASSIGN(const auto ids, targets(order));
  std::uint64_t total = 0;
  for (const std::string& id : ids) {
    TRY_ASSIGN(const std::uint64_t uses, registry_.uses(id));
    total += uses;
  }
  return order.limit == 0 ? total : std::min(total, order.limit);
}

Result<void> Reencryptor::store(const Job& job) {
  stored_at_ = clock_.now();
  const SecretBytes record = job.serialise();
  return barrier_.put(job.path(), record.expose());
}

// The oldest that are over go, so that there are never too many.
void Reencryptor::forget_old() {
  while (jobs_.size() >= kJobsKept) {
    auto oldest = jobs_.end();
    for (auto at = jobs_.begin(); at != jobs_.end(); ++at) {
      if (!is_over(at->second.state)) continue;
      if (oldest == jobs_.end() ||
          at->second.created_at < oldest->second.created_at) {
        oldest = at;
      }
    }
    if (oldest == jobs_.end()) return;
    if (!barrier_.remove(oldest->second.path())) return;
    jobs_.erase(oldest);
  }
}

Result<Job> Reencryptor::start(const ReencryptOrder& order) {
  TRY_ASSIGN(const std::uint64_t total, count(order));
  const std::lock_guard lock(mutex_);
  TRY(loaded());
  for (const auto& [id, other] : jobs_) {
    if (is_over(other.state)) continue;
    if (is_same(other, order)) return other;
    return fail(
        invalid_argument(fmt::format("job {} is {}: wait for it, or cancel it",
                                     id, job_state_name(other.state))));
  }
  forget_old();
  Job job;
  job.id = rng_.uuid();
  job.dek_id = order.dek_id;
  job.scope = order.scope;
  job.limit = order.limit;
  job.rate = order.rate;
  job.created_at = job.updated_at = clock_.now();
  job.total = total;
  TRY(store(job));
  jobs_.emplace(job.id, job);
  wake_ = true;
  woken_.notify_all();
  return job;
}

Result<std::vector<Job>> Reencryptor::list() const {
  const std::lock_guard lock(mutex_);
  TRY(loaded());
  std::vector<Job> all;
  for (const auto& [id, job] : jobs_) all.push_back(job);
  std::ranges::stable_sort(all, std::greater<>(), &Job::created_at);
  return all;
}

Result<Job> Reencryptor::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  TRY(loaded());
  const auto found = jobs_.find(id);
  if (found != jobs_.end()) return found->second;
  return fail(not_found(fmt::format("there is no job \"{}\"", id)));
}

Result<Job> Reencryptor::set_state(std::string_view id, JobState state) {
  const std::lock_guard lock(mutex_);
  TRY(loaded());
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) {
    return fail(not_found(fmt::format("there is no job \"{}\"", id)));
  }
  Job next = found->second;
  if (next.state == state) return next;
  if (is_over(next.state)) {
    return fail(invalid_argument(
        fmt::format("job {} is {}", id, job_state_name(next.state))));
  }
  next.state = state;
  next.error.clear();
  next.updated_at = clock_.now();
  TRY(store(next));
  found->second = next;
  wake_ = true;
  woken_.notify_all();
  return next;
}

Job* Reencryptor::running() {
  for (auto& [id, job] : jobs_) {
    if (job.state == JobState::kRunning) return &job;
  }
  return nullptr;
}

Duration Reencryptor::step() {
  std::unique_lock lock(mutex_);
  if (!loaded_) return kIdle;
  Job* const job = running();
  if (job == nullptr) {
    const Time now = clock_.now();
    if (now < next_tidy_) return kIdle;
    next_tidy_ = now + janitor_.interval;
    lock.unlock();
    tidy();
    return kIdle;
  }
  const Job copy = *job;
  const std::uint64_t epoch = epoch_;
  lock.unlock();
  return work(copy, epoch);
}

// One step of a job, on a copy: whoever looks at it, pauses or cancels it does
// not wait.
Duration Reencryptor::work(Job job, std::uint64_t epoch) {
  const Time began = clock_.now();
  const std::uint64_t before = job.reencrypted;
  Duration wait{0};
  job.error.clear();
  if (auto advanced = advance(job); !advanced) {
    const Error& error = advanced.error();
    job.error = error.message().substr(0, Job::kErrorBytesMax);
    wait = kRetryAfter;
    if (!is_passing(error)) job.state = JobState::kFailed;
  } else if (job.rate != 0) {
    const auto done = static_cast<std::int64_t>(job.reencrypted - before);
    wait = Duration{Seconds{done}} / static_cast<std::int64_t>(job.rate);
  }
  // The clock may have been set back.
  job.running += std::max(Duration{0}, Duration{clock_.now() - began});
  if (job.error.empty()) job.running += wait;
  merge(job, epoch);
  return wait;
}

Result<void> Reencryptor::advance(Job& job) const {
  TRY_ASSIGN(const auto ids, targets(order_of(job)));
  const auto id = std::ranges::upper_bound(ids, job.done_dek);
  if (limit_reached(job)) {
    job.state = JobState::kComplete;
    return {};
  }
  if (id == ids.end()) return end_of_pass(job, ids);
  const auto holders = holders_.all();
  if (job.holder >= holders.size()) {
    job.done_dek = *id;
    job.holder = 0;
    return {};
  }
  TRY_ASSIGN(const auto step,
             holders[job.holder]->reencrypt(*id, job.cursor, batch_of(job)));
  job.visited += step.visited;
  job.reencrypted += step.reencrypted;
  job.in_pass += step.reencrypted;
  job.cursor = step.cursor;
  if (job.cursor.empty()) ++job.holder;
  return {};
}

// What other writers had in hand is looked at once more, as long as that gets
// any further.
Result<void> Reencryptor::end_of_pass(
    Job& job, const std::vector<std::string>& ids) const {
  std::uint64_t left = 0;
  for (const std::string& id : ids) {
    TRY_ASSIGN(const std::uint64_t uses, registry_.uses(id));
    left += uses;
  }
  if (left == 0) {
    job.state = JobState::kComplete;
    return {};
  }
  if (job.in_pass == 0) {
    job.state = JobState::kFailed;
    job.error = fmt::format("{} records are still under deprecated DEKs", left);
    return {};
  }
  job.in_pass = 0;
  job.done_dek.clear();
  job.holder = 0;
  job.cursor.clear();
  return {};
}

void Reencryptor::merge(const Job& done, std::uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  if (!loaded_ || epoch != epoch_) return;
  const auto found = jobs_.find(done.id);
  if (found == jobs_.end()) return;
  const Job before = found->second;
  Job& job = found->second;
  job = done;
  // Paused or cancelled meanwhile.
  if (before.state != JobState::kRunning) {
    job.state = before.state;
    job.error = before.error;
  }
  const Time now = clock_.now();
  job.updated_at = now;
  if (job.error != before.error && !job.error.empty()) {
    log_.warn("a re-encryption does not get on",
              {{"id", job.id}, {"error", job.error}});
  }
  if (job.state == before.state && now - stored_at_ < kStoreEvery) return;
  if (is_over(job.state)) {
    log_.info("a re-encryption ended",
              {{"id", job.id},
               {"state", std::string(job_state_name(job.state))},
               {"records", std::to_string(job.reencrypted)}});
  }
  if (auto stored = store(job); !stored) {
    log_.warn("how far a re-encryption came cannot be stored",
              {{"id", job.id}, {"error", stored.error().message()}});
  }
}

void Reencryptor::tidy() {
  std::uint64_t left = janitor_.limit;
  if (left == 0 || janitor_.interval == Seconds{0}) return;
  const auto tidied = [&]() -> Result<void> {
    TRY_ASSIGN(const auto ids, targets({}));
    for (const std::string& id : ids) {
      if (left == 0) break;
      TRY_ASSIGN(const std::uint64_t done, tidy_dek(id, left));
      left -= done;
    }
    return {};
  }();
  if (!tidied) {
    log_.warn("the janitor of deprecated DEKs stopped early",
              {{"error", tidied.error().message()}});
  }
  const std::uint64_t done = janitor_.limit - left;
  if (done != 0) {
    log_.info("the janitor re-encrypted records of deprecated DEKs",
              {{"records", std::to_string(done)}});
  }
}

Result<std::uint64_t> Reencryptor::tidy_dek(const std::string& id,
                                            std::uint64_t most) {
  TRY_ASSIGN(const std::uint64_t uses, registry_.uses(id));
  std::uint64_t done = 0;
  if (uses == 0) return done;
  if (announce_) {
    std::string data;
    JsonWriter out(data);
    out.begin_object().member("limit", most);
    out.member("reason", "deprecated_key_janitor").end_object();
    TRY(announce_("encryption-keys/" + id + "/reencrypt", data));
  }
  for (const auto& holder : holders_.all()) {
    std::string cursor;
    do {
      const std::size_t batch = std::min<std::uint64_t>(most - done, kBatch);
      if (batch == 0) return done;
      TRY_ASSIGN(auto step, holder->reencrypt(id, cursor, batch));
      done += step.reencrypted;
      cursor = std::move(step.cursor);
    } while (!cursor.empty());
  }
  return done;
}

void Reencryptor::await(Duration most) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, most, [this] { return wake_; });
  wake_ = false;
}

void Reencryptor::wake() {
  const std::lock_guard lock(mutex_);
  wake_ = true;
  woken_.notify_all();
}

ReencryptThread::ReencryptThread(Reencryptor& reencryptor)
    : reencryptor_(reencryptor), thread_([this] {
        lower_thread_priority();  // and that of the threads it makes
        while (!stopping_) reencryptor_.await(reencryptor_.step());
      }) {}

ReencryptThread::~ReencryptThread() {
  stopping_ = true;
  reencryptor_.wake();
  thread_.join();
}

}  // namespace bulla::dek
