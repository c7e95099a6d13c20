#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "crypto/rng.h"
#include "dek/job_record.h"
#include "dek/records.h"
#include "dek/registry.h"

namespace bulla::dek {

/// `deprecated_key_janitor { … }`.
struct JanitorOptions {
  Seconds interval{1800};   ///< 0: it does nothing.
  std::size_t limit = 100;  ///< Records a turn; 0: it does nothing.
};

/// What somebody wants re-encrypted.
struct ReencryptOrder {
  std::string dek_id = {};  ///< One deprecated DEK; "" for those of `scope`.
  std::string scope = {};   ///< "" for every scope.
  std::uint64_t limit = 0;  ///< As of Job.
  std::uint64_t rate = 0;
};

/// Moves records from deprecated DEKs to the active ones: jobs, of which one
/// runs at a time, and the janitor beside them. A job goes on after a restart;
/// where storage is full or away it waits and tells so. Any thread; step() on
/// one. While nothing is loaded all answer kSealed.
class Reencryptor {
 public:
  static constexpr std::size_t kBatch = 8192;  ///< Records a step.
  static constexpr std::size_t kJobsKept = 32;
  static constexpr Seconds kRetryAfter{10};

  /// All must outlive this.
  Reencryptor(Registry& registry, const RecordHolders& holders,
              barrier::Barrier& barrier, crypto::Rng& rng, const Clock& clock,
              const Logger& log, JanitorOptions janitor,
              Announce announce = {});

  /// After the registry and the holders. A job whose record is damaged is
  /// logged and passed over: it can be ordered anew.
  Result<void> load();
  /// Before them: stores how far the job came.
  void clear();

  /// Records that `order` has before it.
  ///   kInvalidArgument  its DEK is active, or no DEK is of its scope.
  ///   kNotFound         its DEK is not there.
  Result<std::uint64_t> count(const ReencryptOrder& order) const;
  /// Begins a job; where one of the same order is under way, that one.
  ///   kInvalidArgument  another one is under way, or as count().
  Result<Job> start(const ReencryptOrder& order);
  /// All that are kept, the newest first.
  Result<std::vector<Job>> list() const;
  ///   kNotFound  no such job.
  Result<Job> find(std::string_view id) const;
  /// kRunning resumes, kPaused pauses, kCancelled ends it.
  ///   kInvalidArgument  it is over.
  Result<Job> set_state(std::string_view id, JobState state);

  /// Does the next piece of work; how long to wait before the next.
  Duration step();
  /// Waits for so long, or until there is something to do.
  void await(Duration most);
  /// Ends an await(), the next one if there is none now.
  void wake();

 private:
  using Jobs = std::map<std::string, Job, std::less<>>;

  Result<void> loaded() const;
  Result<std::vector<std::string>> targets(const ReencryptOrder& order) const;
  Result<void> check_scope(std::string_view scope) const;
  Result<void> store(const Job& job);
  void forget_old();
  Job* running();
  Duration work(Job job, std::uint64_t epoch);
  Result<void> advance(Job& job) const;
  Result<void> end_of_pass(Job& job, const std::vector<std::string>& ids) const;
  void merge(const Job& done, std::uint64_t epoch);
  void tidy();
  Result<std::uint64_t> tidy_dek(const std::string& id, std::uint64_t most);

  Registry& registry_;
  const RecordHolders& holders_;
  barrier::Barrier& barrier_;
  crypto::Rng& rng_;
  const Clock& clock_;
  const Logger& log_;
  const JanitorOptions janitor_;
  const Announce announce_;

  mutable std::mutex mutex_;
  std::condition_variable woken_;
  bool wake_ = false;
  bool loaded_ = false;
  std::uint64_t epoch_ = 0;  // raised at each clear()
  Jobs jobs_;
  Time stored_at_;  // the running job's record
  Time next_tidy_;
};

/// A thread that does what a Reencryptor has to do, as long as it lives.
class ReencryptThread {
 public:
  explicit ReencryptThread(Reencryptor& reencryptor);
  ~ReencryptThread();
  ReencryptThread(const ReencryptThread&) = delete;
  ReencryptThread& operator=(const ReencryptThread&) = delete;

 private:
  Reencryptor& reencryptor_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace bulla::dek
